{
  "variables": { "sanitize%": 0 },
  "targets": [
    {
      "target_name": "sendzc_socket",
      "sources": [
        "native/address.cc",
        "native/binding.cc",
        "native/binding_page_sender.cc",
        "native/binding_process.cc",
        "native/binding_receiver.cc",
        "native/binding_socket.cc",
        "native/binding_arguments.cc",
        "native/cpu_affinity.cc",
        "native/datagram_reader.cc",
        "native/open_socket.cc",
        "native/page_sender.cc",
        "native/pattern.cc",
        "native/perf_counter.cc",
        "native/ready_poll.cc",
        "native/receiver.cc",
        "native/socket_details.cc",
        "native/stream_reader.cc"
      ],
      "include_dirs": [
        "native",
        "<!(node -p \"require('node:fs').realpathSync('node_modules/@sendzc/native/include')\")",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "cflags": ["-Wall", "-Wextra", "-Wno-cast-function-type", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17"],
      "conditions": [
        ["OS!='linux'", { "type": "none" }],
        [
          "sanitize==1",
          {
            "cflags": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", "-g", "-O1"],
            "ldflags": ["-fsanitize=address,undefined"]
          }
        ]
      ]
    }
  ]
}
