// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who has a module in use: modules that need it, processes that have its
//! device open or mapped.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::files;
use super::modules::list;
use super::oops::Oopses;
use super::sysfs::{folder, not_loaded};
use crate::kernel::api::Holder;
use crate::kernel::error::TargetResult;

/// A device node: its path and what identifies it wherever it is seen.
struct Node {
    path: String,
    rdev: u64,
    inode: u64,
}

/// Who has the module in use.
pub(super) fn of(name: &str, oopses: &Oopses) -> TargetResult<Vec<Holder>> {
    let name = files::name("module", name)?;
    let module = list(oopses)?
        .into_iter()
        .find(|module| module.name == name)
        .ok_or_else(|| not_loaded(name, "look for who uses"))?;
    let mut holders: Vec<_> = module.used_by.into_iter().map(Holder::Module).collect();
    for node in nodes(name) {
        processes(&node, &mut holders);
    }
    Ok(holders)
}

/// The module's device nodes: what the contract says for ours; for others, a
/// miscellaneous or character device that has the module's name.
fn nodes(name: &str) -> Vec<Node> {
    let known = ringside_uapi::module(name).and_then(|module| module.device);
    let path = known.map_or_else(|| format!("/dev/{name}"), str::to_owned);
    let mut nodes: Vec<_> = node(&path).into_iter().collect();
    // Drivers of buses: their devices' nodes by number.
    let drivers = folder(name).join("drivers");
    for driver in drivers.read_dir().into_iter().flatten().flatten() {
        for device in driver.path().read_dir().into_iter().flatten().flatten() {
            let Ok(event) = files::text(device.path().join("uevent")) else {
                continue;
            };
            let name = event.lines().find_map(|line| line.strip_prefix("DEVNAME="));
            nodes.extend(name.and_then(|name| node(&format!("/dev/{name}"))));
        }
    }
    nodes
}

fn node(path: &str) -> Option<Node> {
    let file = Path::new(path).metadata().ok()?;
    let kind = file.file_type();
    (kind.is_char_device() || kind.is_block_device()).then(|| Node {
        path: path.to_owned(),
        rdev: file.rdev(),
        inode: file.ino(),
    })
}

/// Adds the processes that have a node open or mapped. One that ends meanwhile,
/// or that we may not look into, is left out.
fn processes(node: &Node, holders: &mut Vec<Holder>) {
    for entry in Path::new("/proc").read_dir().into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let folder = entry.path();
        let comm = || files::text(folder.join("comm")).unwrap_or_default();
        let mut hold = |what: String| {
            holders.push(Holder::Process { pid, comm: comm(), what });
        };
        for descriptor in folder.join("fd").read_dir().into_iter().flatten().flatten() {
            let is_it = descriptor
                .path()
                .metadata()
                .is_ok_and(|file| file.rdev() == node.rdev && file.file_type().is_char_device());
            if is_it {
                let number = descriptor.file_name();
                hold(format!("{} (fd {})", node.path, number.to_string_lossy()));
            }
        }
        let maps = files::text(folder.join("maps")).unwrap_or_default();
        if maps.lines().any(|line| maps_node(line, node)) {
            hold(format!("{} (mapped)", node.path));
        }
    }
}

/// Is this line of `/proc/<pid>/maps` a mapping of the node?
fn maps_node(line: &str, node: &Node) -> bool {
    let mut words = line.split_ascii_whitespace();
    let inode = words.nth(4).and_then(|inode| inode.parse().ok());
    let path = words.next().unwrap_or_default();
    inode == Some(node.inode) && path == node.path
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_process_that_has_a_device_open_is_found() {
        let node = node("/dev/full").unwrap();
        let file = File::open("/dev/full").unwrap();
        let mut holders = Vec::new();
        processes(&node, &mut holders);
        let me = std::process::id() as i32;
        assert!(holders.iter().any(|holder| matches!(
            holder,
            Holder::Process { pid, what, .. } if *pid == me && what.starts_with("/dev/full (fd ")
        )));
        drop(file);
    }

    #[test]
    fn a_mapping_is_told_by_inode_and_path() {
        let node = Node { path: "/dev/memalloc".into(), rdev: 0, inode: 123 };
        let line = "40000000-40001000 rw-s 00000000 00:05 123                        /dev/memalloc";
        assert!(maps_node(line, &node));
        assert!(!maps_node("40000000-40001000 rw-p 00000000 00:00 0", &node));
    }
}
