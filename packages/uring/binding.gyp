{
  "variables": { "sanitize%": 0 },
  "targets": [
    {
      "target_name": "sendzc_uring",
      "sources": [
        "native/binding.cc",
        "native/binding_hot.cc",
        "native/binding_regions.cc",
        "native/environment.cc",
        "native/ring.cc",
        "native/send_engine_copies.cc",
        "native/send_engine_failure.cc",
        "native/send_engine_lifecycle.cc",
        "native/send_engine_reap.cc",
        "native/send_engine_submit.cc",
        "native/send_engine_take_back.cc",
        "native/signal_probe.cc"
      ],
      "include_dirs": [
        "native",
        # The headers that the addons share: in a checkout, and where the package brings its own copy.
        "../native/include",
        "native/shared",
        "<!(node -p \"try { require('node-addon-api').include_dir } catch { 'native/shared/node-addon-api' }\")"
      ],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-std=gnu++14", "-Wno-unused-parameter"],
      "libraries": ["<!(node native/find_liburing.cjs)"],
      "conditions": [
        ["OS!='linux'", { "type": "none" }],
        ["sanitize==1", {
          "cflags": ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined", "-g"],
          "ldflags": ["-fsanitize=address,undefined"]
        }]
      ]
    }
  ]
}
