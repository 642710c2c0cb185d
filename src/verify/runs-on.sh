# What this host is, in the shell's own words alone: it costs a small machine no process. Read by src/verify/runs-on.ts.
{
  while IFS= read -r line; do
    case $line in PRETTY_NAME=*) echo "os ${line#*=}" ;; esac
  done </etc/os-release
  read -r kernel </proc/sys/kernel/osrelease && echo "kernel $kernel"
  # Without a line end.
  model=''
  read -r model </sys/firmware/devicetree/base/model
  if [ -n "$model" ]; then echo "model $model"; fi
} 2>/dev/null
:
