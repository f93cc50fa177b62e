# To be sourced: cached NAME KEY MAKE prints the folder NAME-KEY of the cache. Where it is not there, `MAKE WORK` makes it
# as WORK/made, and it is put in its place by a rename; those of older keys go.
cached() {
  local name=$1 key=$2 make=$3
  local cache=${LIBTORCH_RESNET_CACHE:-$HOME/.cache/libtorch-resnet}
  local place=$cache/$name-${key:0:12}
  if [ ! -d "$place" ]; then
    mkdir -p "$cache"
    # Named as the install script names its own work in progress, which it clears away after a kill.
    work=$(mktemp -d "$cache/.tmp-$$@$(hostname)-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    "$make" "$work" >&2
    mv -T "$work/made" "$place" || [ -d "$place" ] # another run was faster
    find "$cache" -maxdepth 1 -name "$name-*" ! -path "$place" -exec rm -rf {} +
  fi
  echo "$place"
}
