{
  "variables": { "sanitize%": 0 },
  "targets": [
    {
      "target_name": "sendzc_sendmsg",
      "conditions": [
        ["OS!='linux'", { "type": "none" }, {
          "sources": [
            "native/binding.cc",
            "native/binding_hot.cc",
            "native/drain.cc",
            "native/earlier_sends.cc",
            "native/environment.cc",
            "native/environment_wake.cc",
            "native/error_queue.cc",
            "native/host_probe.cc",
            "native/id_ledger.cc",
            "native/inline_notification.cc",
            "native/next_id_probe.cc",
            "native/open_socket.cc",
            "native/sender.cc",
            "native/sender_collect.cc",
            "native/wake_set.cc"
          ],
          "include_dirs": [
            "native",
            # The headers that the addons share: in a checkout, and where the package brings its own copy.
            "../native/include",
            "native/shared",
            "<!(node -p \"try { require('node-addon-api').include_dir } catch { 'native/shared/node-addon-api' }\")"
          ],
          "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS"],
          "cflags": ["-fvisibility=hidden"],
          "cflags_cc": ["-std=c++17", "-fno-exceptions", "-Wall", "-Wextra", "-Werror", "-O2"],
          "cflags!": ["-fexceptions"],
          "cflags_cc!": ["-fexceptions", "-O3", "-std=gnu++17", "-std=gnu++20"]
        }],
        ["sanitize==1", {
          "cflags_cc": ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g"],
          "ldflags": ["-fsanitize=address,undefined"]
        }]
      ]
    }
  ]
}
