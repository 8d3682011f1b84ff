// SPDX-License-Identifier: MIT OR Apache-2.0
//! What another user of the kernel gets of ours: counters to read, and nothing else.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use ringside_uapi::MODULES;

use super::guest::{self, insmod, rmmod};

const STICK: &str = "/dev/ringside-usb";
/// What each module is loaded with.
const LOADED: [(&str, &str); 4] = [
    ("my_name", ""),
    ("producer_consumer", "prod=1 cons=1 size=2"),
    ("memalloc", ""),
    ("kmod", "device=/dev/ringside-usb"),
];

#[test]
fn another_user_can_read_counters_and_open_write_or_unload_nothing() {
    guest::run(
        "privilege::another_user_can_read_counters_and_open_write_or_unload_nothing",
        || {
            for (module, parameters) in LOADED {
                insmod(module, parameters).expect("it loads");
            }
            let output = guest::as_nobody("privilege::as_nobody");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            for (module, _) in LOADED {
                rmmod(module).expect("it unloads");
            }
        },
    );
}

#[test]
#[ignore = "the part of another test that runs as the user nobody"]
fn as_nobody() {
    assert!(!nix::unistd::geteuid().is_root());
    let mut seen = 0;
    for module in MODULES {
        let folder = PathBuf::from("/sys/module").join(module.name);
        for counter in module.counters {
            fs::read(folder.join("counters").join(counter.name)).expect("counters are for all");
            seen += 1;
        }
        for file in files(&folder) {
            refused(&file, OpenOptions::new().write(true));
            let counters = file.starts_with(folder.join("counters"));
            if file.starts_with(folder.join("controls")) {
                refused(&file, OpenOptions::new().read(true));
            } else if counters {
                fs::read(&file).expect("counters and tables are for all");
            }
        }
        if folder.exists() {
            assert_eq!(rmmod(module.name), Err(Errno::EPERM));
        }
    }
    assert!(seen > 20, "{seen} counters were read");
    for file in files(Path::new("/sys/kernel/my_syscall")) {
        refused(&file, OpenOptions::new().write(true));
    }
    let nodes = ["/dev/memalloc", "/dev/kmod", STICK].map(PathBuf::from);
    for node in nodes.into_iter().chain(agents_ports()) {
        for (read, write) in [(true, false), (false, true), (true, true)] {
            refused(&node, OpenOptions::new().read(read).write(write));
        }
    }
    refused(Path::new("/dev/kmsg"), OpenOptions::new().write(true));
    assert_eq!(insmod_as_nobody(), Errno::EPERM);
}

/// The ports on which the guest's agent and its host speak.
fn agents_ports() -> Vec<PathBuf> {
    let ports = fs::read_dir("/dev").expect("/dev can be read").flatten();
    let ports: Vec<PathBuf> = ports
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().starts_with("/dev/vport"))
        .collect();
    assert!(!ports.is_empty(), "the agent has a port");
    ports
}

/// Loading needs a file that can be read, which is not what is tried here.
fn insmod_as_nobody() -> Errno {
    nix::kmod::init_module(&[0; 64], c"").expect_err("nobody loads no module")
}

fn refused(path: &Path, options: &OpenOptions) {
    let error = options.open(path).map(|_| path.to_owned()).expect_err("it is not for nobody");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}: {error}", path.display());
}

/// Every file in there, at any depth; links are not followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            let mode = entry.metadata().map(|file| file.permissions().mode()).unwrap_or_default();
            assert_eq!(mode & 0o022, 0, "{} can be written by others", path.display());
            found.push(path);
        }
    }
    found
}
