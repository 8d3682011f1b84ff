// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module's parameters as they are typed, in one line for the kernel.

use super::Failure;
use crate::kernel::parameters::words;

/// The parameters as the kernel wants them. As with insmod they are joined by
/// blanks and the kernel splits them again, so one argument may hold several. A
/// value with blanks, which a shell has taken the quotes from, gets its quotes
/// back: `term=Late Summer` is one parameter, `a=1 b=2` are two.
///
/// # Errors
/// The kernel can't be told that.
pub(super) fn parameter_line(parameters: &[String]) -> Result<String, Failure> {
    let mut line: Vec<String> = Vec::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let wrong = |what: &str| Err(Failure::usage(format!("{parameter:?} {what}")));
        if parameter.contains('\0') {
            return wrong("holds a NUL character");
        }
        let quotes = parameter.matches('"').count();
        if quotes % 2 == 1 && index + 1 < parameters.len() {
            return wrong(
                "has a quote that is not closed: the kernel would take what follows for a part of it",
            );
        }
        let mut parts = words(parameter);
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let is_value = first.contains('=') && !rest.iter().any(|part| part.contains('='));
        let blanks = parameter.contains(|letter: char| letter.is_ascii_whitespace());
        match parameter.split_once('=') {
            Some((key, value)) if is_value && blanks && quotes == 0 => {
                line.push(format!("{key}=\"{value}\""));
            }
            _ if is_value && !rest.is_empty() => {
                return wrong(
                    "has a value with both blanks and quotes, which the kernel can't take: \
                     it knows no way to write a quote in a quoted value",
                );
            }
            _ => line.push(parameter.clone()),
        }
    }
    Ok(line.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(parameters: &[&str]) -> Result<String, Failure> {
        let parameters: Vec<_> = parameters.iter().map(|p| (*p).to_owned()).collect();
        parameter_line(&parameters)
    }

    #[test]
    fn values_with_blanks_are_quoted_once() {
        assert_eq!(
            line(&["charParameter=Late Summer", "intParameter=2025", "name=\"A B\""]),
            Ok("charParameter=\"Late Summer\" intParameter=2025 name=\"A B\"".into())
        );
        assert_eq!(line(&["who= x"]), Ok("who=\" x\"".into()));
        assert_eq!(line(&["who=", "a=1"]), Ok("who= a=1".into()));
        assert_eq!(line(&[]), Ok(String::new()));
    }

    #[test]
    fn one_argument_may_hold_several_parameters_and_flags_have_no_value() {
        assert_eq!(line(&["a=1 who=x y"]), Ok("a=1 who=x y".into()));
        assert_eq!(line(&["verbose", "-"]), Ok("verbose -".into()));
        assert_eq!(line(&["verbose quiet"]), Ok("verbose quiet".into()));
        assert_eq!(line(&["who=\"a b\" c=1"]), Ok("who=\"a b\" c=1".into()));
        assert_eq!(line(&["a=1", "--", "b=2"]), Ok("a=1 -- b=2".into()));
        assert_eq!(line(&["who=half\"quoted"]), Ok("who=half\"quoted".into()));
    }

    #[test]
    fn what_the_kernel_cannot_take_is_refused_before_it_is_sent() {
        for wrong in [&["a=\0"][..], &["a=\"x", "b=1"], &["a=say \"x\" twice"]] {
            assert_eq!(line(wrong).unwrap_err().status(), 2, "{wrong:?}");
        }
    }
}
