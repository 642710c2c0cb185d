# ROOT FORMAT: what lies below ROOT becomes the root file system of a freshly flashed card, see card.ts. On stdin the lines
# of /etc/hosts that the lab's machines know each other by.
set -eu
root=$1
format=$2
names=$(cat)
etc=$root/etc

on_cloud_init() {
  put /etc/cloud/cloud.cfg.d/99_card.cfg 644 <<'END'
datasource_list: [NoCloud, None]
datasource:
  NoCloud:
    seedfrom: file:///boot/firmware
ssh_deletekeys: false
ssh_genkeytypes: []
END
  sed -i '/^users:/,/- default/d' "$etc/cloud/cloud.cfg"
  put /etc/systemd/system/cloud-init-main.service.d/card.conf 644 <<'END'
[Unit]
RequiresMountsFor=/boot/firmware
END
  # Made anew from this by `manage_etc_hosts`, which Raspberry Pi Imager asks for.
  printf '%s\n' "$names" >>"$etc/cloud/templates/hosts.debian.tmpl"
}

on_rpi_preseed() {
  put /usr/local/lib/rpi-preseed 755 <<'END'
#!/usr/bin/python3
import os, pathlib, re, subprocess, sys, time, tomllib

phase = sys.argv[1]
state = pathlib.Path("/var/lib/rpi-preseed")
file = pathlib.Path("/boot/firmware/rpi-preseed.toml")
text = file.read_text()
told = tomllib.loads(text)
runcmd = told.get("runcmd", {})

def run(command, timeout=None):
    try:
        return subprocess.run(["sh", "-c", command], timeout=timeout).returncode
    except subprocess.TimeoutExpired:
        return 124

if phase == "base":
    name = told.get("system", {}).get("hostname")
    if name:
        pathlib.Path("/etc/hostname").write_text(name + "\n")
        run(f"hostname {name}")
    user = told.get("user", {})
    if user.get("name"):
        subprocess.run(["/usr/lib/userconf-pi/userconf", user["name"], user.get("password", "!")])
    wlan = told.get("wlan", {})
    if wlan.get("ssid"):
        profile = pathlib.Path("/etc/NetworkManager/system-connections/preconfigured.nmconnection")
        profile.touch(mode=0o600)
        profile.write_text("[connection]\nid=preconfigured\ntype=wifi\n[wifi]\nssid={ssid}\n"
                           "[wifi-security]\nkey-mgmt=wpa-psk\npsk={password}\n".format(**wlan))
    if told.get("ssh", {}).get("enabled"):
        run("systemctl enable ssh.service")
        run("systemctl start --no-block ssh.service")
    file.write_text(re.sub(r"(?m)^(\s*(?:password|token)\s*=\s*).*", r'\1"<redacted>"', text))
elif phase == "early":
    for command in runcmd.get("early", []):
        run(command, runcmd.get("early_cmd_timeout", 5))
else:
    for command in runcmd.get("late", []):
        for attempt in range(1 + runcmd.get("late_retries", 3)):
            if run(command) == 0:
                break
            time.sleep(runcmd.get("late_retry_delay", 5))
state.mkdir(parents=True, exist_ok=True)
(state / phase).touch()
END
  preseed_unit rpi-preseed base 'After=local-fs.target systemd-sysusers.service systemd-tmpfiles-setup.service
Before=systemd-user-sessions.service network-pre.target getty.target
ConditionPathExists=/boot/firmware/rpi-preseed.toml'
  preseed_unit rpi-preseed-runcmd-early early 'After=rpi-preseed.service
Before=network-pre.target
ConditionPathExists=/var/lib/rpi-preseed/base'
  preseed_unit rpi-preseed-runcmd-late late 'After=rpi-preseed.service rpi-preseed-runcmd-early.service network-online.target
Wants=network-online.target
ConditionPathExists=/var/lib/rpi-preseed/base'
}

# NAME PHASE LINES-OF-ITS-UNIT
preseed_unit() {
  put "/etc/systemd/system/$1.service" 644 <<END
[Unit]
$3
ConditionPathExists=!/var/lib/rpi-preseed/$2

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/rpi-preseed $2

[Install]
WantedBy=multi-user.target
END
  ln -s "/etc/systemd/system/$1.service" "$etc/systemd/system/multi-user.target.wants/$1.service"
}

echo raspberrypi >"$etc/hostname"
# Empty, as on an image: for systemd this is no first boot, and it keeps what the image has switched on and off.
: >"$etc/machine-id"
printf '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n' >"$etc/hosts"
first_user
user_dialogue
wifi_off
network_and_journal
put /etc/fstab 644 <<'END'
/run/card /boot/firmware none bind 0 0
END
mkdir -p "$root/boot/firmware"
chroot "$root" systemctl --quiet disable ssh.service
# The lab's machines do without: mounts of fstab, and what the kernel's command line has the system run.
rm -f "$etc/systemd/system-generators/systemd-fstab-generator" "$etc/systemd/system-generators/systemd-run-generator"
# It asks at a console, which is none here; and there is no Wi-Fi whose country could be set.
for unit in systemd-firstboot.service netplan-regdom.service; do ln -s /dev/null "$etc/systemd/system/$unit"; done
# The network is "online" late, as on a Pi where something waits for the Wi-Fi or, in vain and for 120 s, for interfaces that
# are another one's. cloud-init's last stages wait for it, and late commands of rpi-preseed.
put /etc/systemd/system/late-online.service 644 <<'END'
[Unit]
Before=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sleep 8
[Install]
WantedBy=network-online.target
END
mkdir -p "$etc/systemd/system/network-online.target.wants"
ln -s /etc/systemd/system/late-online.service "$etc/systemd/system/network-online.target.wants/late-online.service"
# The cable is the lab's, and has its addresses already.
put /etc/NetworkManager/conf.d/lab.conf 644 <<'END'
[keyfile]
unmanaged-devices=interface-name:eth0
END
case $format in
  cloud-init) on_cloud_init ;;
  rpi-preseed) on_rpi_preseed ;;
esac
[ "$format" = cloud-init ] || [ ! -d "$etc/cloud" ] || : >"$etc/cloud/cloud-init.disabled"
