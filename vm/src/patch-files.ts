/** Programs that test a kernel: none of it is compiled into one. */
const testsFolder = 'tools/testing/'

/**
 * Says whether a patch changes anything but the kernel's own test programs.
 *
 * @param patch unified diff with the prefixes a/ and b/; text without any file counts as a change
 */
export function changesKernel(patch: string): boolean {
  const files = [...patch.matchAll(/^(?:--- a|\+\+\+ b)\/(\S+)/gm)].map(([, file]) => file as string)
  return files.length === 0 || files.some((file) => !file.startsWith(testsFolder))
}
