# The C++ of src/edge/proto, generated at build time into a library of its own (without -Werror).
file(GLOB edge_proto_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/edge/proto/*.proto)
set(edge_proto_dir ${CMAKE_BINARY_DIR}/protos/edge/proto)
file(MAKE_DIRECTORY ${edge_proto_dir})
foreach(proto ${edge_proto_files})
  get_filename_component(stem ${proto} NAME_WE)
  add_custom_command(
    OUTPUT ${edge_proto_dir}/${stem}.pb.cc ${edge_proto_dir}/${stem}.pb.h
    COMMAND protobuf::protoc --cpp_out=${CMAKE_BINARY_DIR}/protos -I ${CMAKE_SOURCE_DIR}/src ${proto}
    DEPENDS ${proto} VERBATIM)
  list(APPEND edge_proto_sources ${edge_proto_dir}/${stem}.pb.cc)
endforeach()
add_library(edge_protos STATIC ${edge_proto_sources})
target_include_directories(edge_protos SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/protos)
target_link_libraries(edge_protos PUBLIC protobuf::libprotobuf-lite)
