// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules that are loaded: `/proc/modules` and `/sys/module/<name>`.

use std::io::ErrorKind;
use std::path::Path;

use super::oops::Oopses;
use super::sysfs::{NO_MODULES, folder, instance, not_loaded};
use super::{files, sampler, sysfs, threads};
use crate::kernel::api::{ModuleDetail, ModuleSummary, ParameterValue};
use crate::kernel::error::{TargetError, TargetResult};

/// The modules that are loaded, newest first.
pub(super) fn list(oopses: &Oopses) -> TargetResult<Vec<ModuleSummary>> {
    let text = files::text("/proc/modules").map_err(|error| match error.kind() {
        ErrorKind::NotFound => TargetError::Unsupported(NO_MODULES.into()),
        _ => TargetError::io(&error, "read /proc/modules"),
    })?;
    let mut modules: Vec<_> = text.lines().filter_map(parse).collect();
    let broken = oopses.broken();
    for module in &mut modules {
        module.instance = instance(&module.name).unwrap_or_default();
        module.counters = folder(&module.name).join("counters").is_dir();
        module.broken = broken.contains(&module.instance);
        module.build_id = sysfs::build_id(&module.name).unwrap_or_default().into();
        module.ours = sysfs::is_ours(&module.name);
    }
    Ok(modules)
}

/// A line such as `memalloc 16384 1 user,[permanent], Live 0xffff (OE)`.
fn parse(line: &str) -> Option<ModuleSummary> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?.to_owned();
    let size = words.next()?.parse().ok()?;
    let users = words.next()?;
    let used_by = words.next()?;
    let state = words.next()?.to_owned();
    let taint = words.nth(1).unwrap_or_default();
    let permanent = used_by.contains("[permanent]");
    Some(ModuleSummary {
        name,
        size,
        users: match users.parse() {
            Ok(users) if !permanent => users,
            _ => -1,
        },
        used_by: used_by
            .split(',')
            .filter(|user| !user.is_empty() && *user != "-" && !user.starts_with('['))
            .map(str::to_owned)
            .collect(),
        state,
        taint: taint.trim_matches(['(', ')']).to_owned(),
        ..ModuleSummary::default()
    })
}

/// Everything about one module.
pub(super) fn detail(name: &str, oopses: &Oopses) -> TargetResult<ModuleDetail> {
    let name = files::name("module", name)?;
    let modules = list(oopses)?;
    let uses = modules
        .iter()
        .filter(|module| module.used_by.iter().any(|user| user == name))
        .map(|module| module.name.clone())
        .collect();
    let summary = modules
        .into_iter()
        .find(|module| module.name == name)
        .ok_or_else(|| not_loaded(name, "describe"))?;
    let folder = folder(name);
    Ok(ModuleDetail {
        summary,
        uses,
        version: files::text(folder.join("version")).ok(),
        srcversion: files::text(folder.join("srcversion")).ok(),
        parameters: parameters(&folder.join("parameters")),
        controls: sampler::values(&folder.join("controls")),
        threads: threads::of(name).into(),
    })
}

fn parameters(folder: &Path) -> Vec<ParameterValue> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let mut parameters: Vec<_> = entries
        .flatten()
        .map(|entry| ParameterValue {
            name: entry.file_name().to_string_lossy().into_owned(),
            value: files::text(entry.path()).ok(),
            writable: !files::is_read_only(&entry.path()),
        })
        .collect();
    parameters.sort_by(|a, b| a.name.cmp(&b.name));
    parameters
}

/// Writes a parameter of a loaded module.
pub(super) fn set_parameter(module: &str, parameter: &str, value: &str) -> TargetResult<()> {
    let path = folder(files::name("module", module)?)
        .join("parameters")
        .join(files::name("parameter", parameter)?);
    let doing = format!("set parameter {parameter} of module {module} to {value:?}");
    let written = files::write(&path, value, &doing);
    match files::is_read_only(&path) {
        true => written.map_err(|error| {
            error.with_hint(format!(
                "it is read-only: it takes a value when the module is loaded, so unload {module} \
                 and load it with {parameter}={value}"
            ))
        }),
        false => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_line_of_proc_modules_holds_is_read_or_is_none() {
        crate::fuzz::texts("lines", |text| text.lines().for_each(|line| drop(parse(line))));
    }

    #[test]
    fn every_form_of_line_in_proc_modules_is_understood() {
        let module = parse("memalloc 20480 3 user_a,user_b, Live 0x0000000000000000 (OE)").unwrap();
        assert_eq!(module.name, "memalloc");
        assert_eq!((module.size, module.users), (20480, 3));
        assert_eq!(module.used_by, ["user_a", "user_b"]);
        assert_eq!((module.state.as_str(), module.taint.as_str()), ("Live", "OE"));

        let module = parse("my_name 12288 0 - Loading 0x0000000000000000").unwrap();
        assert_eq!((module.users, module.taint.as_str()), (0, ""));
        assert!(module.used_by.is_empty());

        let module = parse("stuck 4096 1 a,[permanent], Live 0x0").unwrap();
        assert_eq!((module.users, module.used_by), (-1, vec!["a".to_owned()]));
        assert_eq!(parse("nonsense"), None);
    }
}
