# The first process of pods that share their processes: a static program without a library, carried inside edge.
set(pause_dir ${CMAKE_BINARY_DIR}/generated)
add_executable(pod_pause src/edge/pod/pause.cpp)
set_target_properties(pod_pause PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${pause_dir} POSITION_INDEPENDENT_CODE OFF)
target_compile_options(pod_pause PRIVATE -Os -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-exceptions
  -fno-rtti -fno-asynchronous-unwind-tables -fno-pie)
target_link_options(pod_pause PRIVATE -static -nostdlib -no-pie -s -Wl,--build-id=none)
# ccache does not see what .incbin reads: what the program is made of is told by a definition, or an old one would come
# out of the cache.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/edge/pod/pause.cpp)
file(SHA256 ${CMAKE_SOURCE_DIR}/src/edge/pod/pause.cpp pause_source)
file(SHA256 ${CMAKE_CURRENT_LIST_FILE} pause_flags)
set_source_files_properties(src/edge/pod/pod_pause.cpp PROPERTIES OBJECT_DEPENDS ${pause_dir}/pod_pause
  COMPILE_DEFINITIONS "SLIPWAY_PAUSE=\"${pause_dir}/pod_pause\";PAUSE_SOURCE=${pause_source};PAUSE_FLAGS=${pause_flags}")
