# Compiles and links everything of ours under a sanitizer (RESNET_SANITIZE); libtorch stays as it was built.
# scripts/sanitize.js uses it, as the build type Sanitize: not stripped, so that stacks have lines.

if(RESNET_SANITIZE STREQUAL "")
  return()
endif()

if(RESNET_SANITIZE STREQUAL "address")
  # What is undefined ends the process as well: a report that nobody reads is no finding. A double that fits no integer
  # is not among `undefined`. vptr needs type information of libtorch's that its libraries keep to themselves.
  set(sanitizer -fsanitize=address,undefined,float-cast-overflow -fno-sanitize=vptr -fno-sanitize-recover=all)
elseif(RESNET_SANITIZE STREQUAL "thread")
  set(sanitizer -fsanitize=thread)
else()
  message(FATAL_ERROR "RESNET_SANITIZE is 'address' or 'thread', not '${RESNET_SANITIZE}'.")
endif()

# NDEBUG as libtorch itself: classes in its headers have other members without it.
add_compile_options(${sanitizer} -O1 -g -fno-omit-frame-pointer -DNDEBUG -D_GLIBCXX_ASSERTIONS)
add_link_options(${sanitizer})
