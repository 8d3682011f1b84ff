// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which functions of a module are traced.

use super::kallsyms::Kallsyms;
use crate::kernel::api::{TracedFunction, Unprobed};
use crate::kernel::error::{TargetError, TargetResult};
use crate::text::function;

/// What the kernel calls the functions that load and unload a module, beside the
/// names that its author gave them.
const ALIASES: [&str; 2] = ["init_module", "cleanup_module"];

/// Every function of `module` with its address; those that are not `wanted` and
/// those that can't be probed with the reason. None wanted: all of the module's own.
pub(super) fn functions(
    symbols: &Kallsyms,
    module: &str,
    wanted: &[String],
    blacklist: &[(u64, u64)],
) -> TargetResult<Vec<(u64, TracedFunction)>> {
    let mut all: Vec<(u64, &str)> = Vec::new();
    for (address, name) in symbols.of(module) {
        match all.last_mut() {
            Some((before, known)) if *before == address => {
                if ALIASES.contains(known) {
                    *known = name;
                }
            }
            _ => all.push((address, name)),
        }
    }
    for word in wanted {
        if !all.iter().any(|(_, symbol)| function::is_meant(symbol, word)) {
            return Err(unknown(module, word, &all));
        }
    }
    let reason = |address: u64, symbol: &str| {
        let is_wanted = wanted.iter().any(|word| function::is_meant(symbol, word));
        if !is_wanted && !wanted.is_empty() {
            return Some(Unprobed::NotWanted);
        }
        if symbol.ends_with(".cold") || symbol.contains(".cold.") {
            return Some(Unprobed::Part);
        }
        if blacklist.iter().any(|(from, to)| (*from..*to).contains(&address)) {
            return Some(Unprobed::Blacklisted);
        }
        (!is_wanted && !function::is_own(symbol)).then_some(Unprobed::Library)
    };
    let listed = all.iter().map(|(address, symbol)| {
        let unprobed = reason(*address, symbol);
        (*address, TracedFunction { symbol: (*symbol).to_owned(), unprobed })
    });
    Ok(listed.collect())
}

/// Says which functions there are that sound like it.
fn unknown(module: &str, word: &str, all: &[(u64, &str)]) -> TargetError {
    let names: Vec<_> = all.iter().map(|(_, symbol)| function::name(symbol, module)).collect();
    let like = |name: &&String| name.to_lowercase().contains(&word.to_lowercase());
    let found: Vec<_> = names.iter().filter(like).map(String::as_str).take(5).collect();
    let hint = match found.as_slice() {
        [] => format!(
            "it has none of that name that is no part of another (inlined); \
             `ringside trace {module} --list` shows all"
        ),
        found => format!("do you mean {}?", found.join(", ")),
    };
    TargetError::errno(nix::libc::ENOENT, format!("trace {word} of module {module}"))
        .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ffffffffa0000000 t beat\t[pulse]\n\
        ffffffffa0000010 t cleanup_module\t[pulse]\nffffffffa0000010 t pulse_exit\t[pulse]\n\
        ffffffffa0000020 t beat.cold\t[pulse]\nffffffffa0000030 t forbidden\t[pulse]\n";

    fn reasons(wanted: &[&str]) -> TargetResult<Vec<(String, Option<Unprobed>)>> {
        let symbols = Kallsyms::parse(TEXT);
        let wanted: Vec<_> = wanted.iter().map(|&word| word.to_owned()).collect();
        let listed = functions(&symbols, "pulse", &wanted, &[(0xffff_ffff_a000_0030, u64::MAX)])?;
        Ok(listed.into_iter().map(|(_, one)| (one.symbol, one.unprobed)).collect())
    }

    #[test]
    fn every_function_is_listed_once_and_what_can_not_be_probed_with_the_reason() {
        let named = |name: &str, unprobed| (name.to_owned(), unprobed);
        assert_eq!(
            reasons(&[]).unwrap(),
            [
                named("beat", None),
                named("pulse_exit", None),
                named("beat.cold", Some(Unprobed::Part)),
                named("forbidden", Some(Unprobed::Blacklisted)),
            ]
        );
        assert_eq!(reasons(&["beat"]).unwrap()[1].1, Some(Unprobed::NotWanted));
    }

    #[test]
    fn a_function_that_is_not_there_is_refused_with_those_that_sound_like_it() {
        let error = reasons(&["puls"]).unwrap_err();
        assert_eq!(error.hint(), Some("do you mean pulse_exit?"));
        assert!(reasons(&["zzz"]).unwrap_err().hint().unwrap().contains("--list"));
    }
}
