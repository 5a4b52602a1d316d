import type { GuestOptions, MachineModel } from './arguments.js'
import { quoteKernelParameter, quoteQemuValue } from './shell-quote.js'

/** How QEMU executes the guest's code. */
export type Accelerator = 'tcg' | 'kvm'

/**
 * Largest MTU of the two interfaces: what a tap accepts is 65521, and a UDP datagram of 60 KiB fits.
 * Source: drivers/net/tun.c, tun_net_initialize().
 */
export const netMtuBytes = 65_000

/** Interface names of the taps, in the harness's own network namespace. */
export const tapNames = ['sendzc0', 'sendzc1'] as const

/** What a boot needs besides the user's options. */
export interface Machine {
  readonly accelerator: Accelerator
  readonly kernelImage: string
  /** Folder of this run: guest settings, console log. */
  readonly runFolder: string
  /** Program that the kernel starts, a path on the host. */
  readonly init: string
  readonly outputFolder: string
  /** Descriptors of connected sockets that QEMU inherits. */
  readonly channels: { readonly control: number; readonly stdout: number; readonly stderr: number }
}

/** File in the run folder that receives the kernel's console. */
export const consoleLogName = 'console.log'

function executionArguments(model: MachineModel, accelerator: Accelerator): string[] {
  if (accelerator === 'kvm') return ['-accel', 'kvm', '-cpu', 'host']
  if (model === 'instructions') {
    // One instruction is 2^0 ns of virtual time; the wall's clock may not show through the RTC either.
    // sleep=off would let virtual time jump to the next timer whenever the guest waits for the host's files:
    // starting Node.js alone takes 13 minutes of it then, and every time limit in the guest fires.
    return ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=on', '-rtc', 'base=utc,clock=vm', '-cpu', 'max']
  }
  return ['-accel', 'tcg,thread=multi', '-cpu', 'max']
}

function channelArguments(channels: Machine['channels']): string[] {
  const ports = Object.entries(channels).flatMap(([name, descriptor], index) => [
    '-chardev',
    `socket,id=${name},fd=${descriptor}`,
    '-device',
    `virtserialport,chardev=${name},name=sendzc.${name},nr=${index + 1}`,
  ])
  return ['-device', 'virtio-serial-pci,max_ports=4', ...ports]
}

function sharedFolderArguments(id: string, folder: string, readOnly: boolean): string[] {
  const access = readOnly ? ',readonly=on' : ''
  return [
    '-fsdev',
    `local,id=${id},path=${quoteQemuValue(folder)},security_model=none,multidevs=remap${access}`,
    '-device',
    `virtio-9p-pci,fsdev=${id},mount_tag=${id}`,
  ]
}

function networkArguments(): string[] {
  // A hub has no checksum offload, so that the kernel would copy; taps on a bridge carry the virtio-net header.
  return tapNames.flatMap((tap, index) => [
    '-netdev',
    `tap,id=net${index},ifname=${tap},script=no,downscript=no,vnet_hdr=on,vhost=off`,
    '-device',
    `virtio-net-pci,netdev=net${index},mac=52:54:00:5a:43:0${index + 1},host_mtu=${netMtuBytes},romfile=`,
  ])
}

/**
 * Processors that the guest's first program switches on, rather than the kernel while it boots.
 *
 * Under multi-threaded emulation QEMU before 8.1 may translate code that another processor is just changing and keep the outcome (mended by
 * its commit deba78709ae8, "accel/tcg: Always lock pages before translation"). A kernel changes its own code when it flips a static branch,
 * above all while it boots, with a breakpoint in between: a processor that keeps the breakpoint panics ("int3: 0000", seen in
 * sched_clock_tick). With one processor there is no other.
 */
export function lateProcessors(cpus: number, accelerator: Accelerator): number[] {
  return accelerator === 'tcg' ? Array.from({ length: cpus - 1 }, (_, index) => index + 1) : []
}

/** The kernel's command line. */
export function kernelCommandLine(
  options: Pick<GuestOptions, 'pti' | 'cpus'>,
  machine: Pick<Machine, 'init' | 'runFolder' | 'accelerator'>,
): string {
  return [
    // Without noreplace-smp a kernel that boots on one processor takes the lock prefixes out of its code, and puts them back later.
    ...(lateProcessors(options.cpus, machine.accelerator).length > 0 ? ['maxcpus=1 noreplace-smp'] : []),
    'console=ttyS0 loglevel=7 oops=panic panic=-1',
    'root=root rootfstype=9p rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=512000 ro',
    `pti=${options.pti} tsc=reliable no_timer_check`,
    quoteKernelParameter('SENDZC_RUN_FOLDER', machine.runFolder),
    quoteKernelParameter('init', machine.init),
  ].join(' ')
}

/**
 * QEMU's arguments for one boot. Works with QEMU 7.2 and later.
 *
 * The channels are sockets that the caller holds the other ends of; the guest's root is the host's root,
 * read-only; only the output folder can be written to.
 */
export function qemuArguments(options: GuestOptions, machine: Machine): string[] {
  return [
    ...['-no-user-config', '-nodefaults', '-display', 'none', '-no-reboot', '-machine', 'pc'],
    ...executionArguments(options.model, machine.accelerator),
    ...['-smp', String(options.cpus), '-m', `${options.memoryMib}M`],
    ...['-chardev', `file,id=console,path=${quoteQemuValue(`${machine.runFolder}/${consoleLogName}`)}`],
    ...['-serial', 'chardev:console'],
    ...channelArguments(machine.channels),
    ...sharedFolderArguments('root', '/', true),
    ...sharedFolderArguments('output', machine.outputFolder, false),
    ...(options.net ? networkArguments() : []),
    ...['-kernel', machine.kernelImage, '-append', kernelCommandLine(options, machine)],
  ]
}
