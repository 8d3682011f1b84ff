// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths in JSON. A path may hold bytes that are no Unicode, which JSON can't:
//! between two processes of ours it goes as its bytes, to others as text.

use std::path::Path;

use serde::Serializer;

/// A path as text: what is not UTF-8 appears as U+FFFD.
///
/// # Errors
/// The serializer's.
pub(crate) fn lossy<S: Serializer>(
    path: &(impl AsRef<Path> + ?Sized),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.as_ref().to_string_lossy())
}

/// The same for several.
///
/// # Errors
/// The serializer's.
pub(crate) fn all_lossy<S: Serializer>(
    paths: &[impl AsRef<Path>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.as_ref().to_string_lossy()))
}

/// A path, or perhaps one, with every byte of it.
pub(crate) mod exact {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// What goes as an `OsString`, which serde knows how to keep whole.
    pub(crate) trait Exact: Sized {
        type Form: Serialize + for<'de> Deserialize<'de>;
        fn form(&self) -> Self::Form;
        fn back(form: Self::Form) -> Self;
    }

    impl Exact for PathBuf {
        type Form = OsString;
        fn form(&self) -> OsString {
            self.clone().into_os_string()
        }
        fn back(form: OsString) -> Self {
            form.into()
        }
    }

    impl<T: Exact> Exact for Option<T> {
        type Form = Option<T::Form>;
        fn form(&self) -> Self::Form {
            self.as_ref().map(T::form)
        }
        fn back(form: Self::Form) -> Self {
            form.map(T::back)
        }
    }

    impl<T: Exact> Exact for Vec<T> {
        type Form = Vec<T::Form>;
        fn form(&self) -> Self::Form {
            self.iter().map(T::form).collect()
        }
        fn back(form: Self::Form) -> Self {
            form.into_iter().map(T::back).collect()
        }
    }

    pub(crate) fn serialize<T: Exact, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.form().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Exact, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        T::Form::deserialize(deserializer).map(T::back)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sent {
        #[serde(with = "exact")]
        one: PathBuf,
        #[serde(with = "exact")]
        perhaps: Option<PathBuf>,
        #[serde(with = "exact")]
        several: Vec<PathBuf>,
    }

    #[derive(Serialize)]
    struct Shown {
        #[serde(serialize_with = "lossy")]
        one: PathBuf,
        #[serde(serialize_with = "all_lossy")]
        several: Vec<PathBuf>,
    }

    fn odd() -> PathBuf {
        OsStr::from_bytes(b"/caf\xe9").into()
    }

    #[test]
    fn a_path_that_is_not_utf_8_arrives_as_it_was_sent() {
        for perhaps in [None, Some(odd())] {
            let sent = Sent { one: odd(), perhaps, several: vec!["/a".into(), odd()] };
            let text = serde_json::to_string(&sent).unwrap();
            assert_eq!(serde_json::from_str::<Sent>(&text).unwrap(), sent);
        }
    }

    #[test]
    fn a_path_that_is_not_utf_8_is_shown_as_text() {
        let shown = Shown { one: odd(), several: vec![odd()] };
        assert_eq!(
            serde_json::to_string(&shown).unwrap(),
            "{\"one\":\"/caf\u{fffd}\",\"several\":[\"/caf\u{fffd}\"]}"
        );
    }
}
