// SPDX-License-Identifier: MIT OR Apache-2.0
//! my_name: parameters, greeting, goodbye.

use std::process::Command;

use nix::errno::Errno;

use super::guest::{self, counter, insmod, rmmod, text};
use super::kernel_log;

#[test]
fn it_greets_with_the_parameters_it_was_given() {
    guest::run("my_name::it_greets_with_the_parameters_it_was_given", || {
        insmod("my_name", "charParameter=\"Summer\" intParameter=2025 name=Ada").expect("it loads");
        assert!(kernel_log::has("Hello, I am Ada, a student of CSE330 Summer 2025"));
        assert_eq!(text("/sys/module/my_name/parameters/charParameter"), "Summer");
        assert_eq!(text("/sys/module/my_name/parameters/intParameter"), "2025");
        assert_eq!(text("/sys/module/my_name/parameters/name"), "Ada");
        assert_eq!(counter("my_name", "greetings"), 1);
        let before = kernel_log::lines().len();
        rmmod("my_name").expect("it unloads");
        let said: Vec<String> = kernel_log::lines().split_off(before);
        assert!(said.iter().any(|line| line.to_lowercase().contains("goodbye")), "{said:?}");
        assert!(!std::path::Path::new("/sys/module/my_name").exists());
    });
}

#[test]
fn without_parameters_it_uses_the_documented_defaults() {
    guest::run("my_name::without_parameters_it_uses_the_documented_defaults", || {
        insmod("my_name", "").expect("it loads");
        for parameter in ringside_uapi::my_name::MODULE.parameters {
            let shown = text(&format!("/sys/module/my_name/parameters/{}", parameter.name));
            assert_eq!(shown, parameter.default, "{}", parameter.name);
        }
        assert!(kernel_log::has("Hello, I am Ringside, a student of CSE330 Spring 2025"));
        rmmod("my_name").expect("it unloads");
    });
}

#[test]
fn a_parameter_of_the_wrong_type_is_refused_and_leaves_nothing() {
    guest::run("my_name::a_parameter_of_the_wrong_type_is_refused_and_leaves_nothing", || {
        assert_eq!(insmod("my_name", "intParameter=soon"), Err(Errno::EINVAL));
        assert_eq!(insmod("my_name", "intParameter=99999999999"), Err(Errno::EINVAL));
        assert!(!std::path::Path::new("/sys/module/my_name").exists());
        insmod("my_name", "intParameter=-7").expect("a good value still loads");
        assert!(kernel_log::has("CSE330 Spring -7"));
        rmmod("my_name").expect("it unloads");
    });
}

#[test]
fn loading_it_twice_is_refused() {
    guest::run("my_name::loading_it_twice_is_refused", || {
        insmod("my_name", "").expect("it loads");
        assert_eq!(insmod("my_name", ""), Err(Errno::EEXIST));
        assert_eq!(counter("my_name", "greetings"), 1);
        rmmod("my_name").expect("it unloads");
        assert_eq!(rmmod("my_name"), Err(Errno::ENOENT));
    });
}

#[test]
fn modinfo_tells_what_each_module_is_and_takes() {
    // On the host: modinfo reads the file, no kernel is needed.
    let folder = guest::built(&guest::repository().join("modules"));
    for module in ringside_uapi::MODULES {
        let file = folder.join(format!("{}.ko", module.name));
        let output = Command::new("modinfo").arg(&file).output().expect("modinfo is installed");
        let shown = String::from_utf8_lossy(&output.stdout);
        for field in ["license:", "description:", "author:", "vermagic:"] {
            assert!(shown.contains(field), "{} has no {field}\n{shown}", module.name);
        }
        assert!(shown.contains("GPL"), "{shown}");
        for parameter in module.parameters {
            let line = format!("{}:", parameter.name);
            assert!(
                shown.contains(&line),
                "{} is silent on {}\n{shown}",
                module.name,
                parameter.name
            );
        }
    }
}
