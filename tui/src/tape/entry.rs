// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recording is made of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::TargetError;
use crate::kernel::api::{Item, Request};

/// What a recording starts with: everything that the first picture depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    /// The version of the program that wrote it.
    pub program: String,
    /// When it began, in milliseconds since 1970.
    pub unix_ms: u64,
    /// What it is called; may be empty.
    pub title: String,
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// Was the lab started for the dashboard, so that it ended with it?
    pub own_lab: bool,
    /// Milliseconds between samples of the counters.
    pub sample_ms: u32,
    /// Records of the kernel log that were kept.
    pub log_records: usize,
    /// Was the mouse captured?
    pub mouse: bool,
    /// The user's own keys, by command name.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The folder that is watched from the start, the parameters of its module and what
    /// is run after each load.
    pub workbench: Option<(String, String, String)>,
    /// What was typed into forms before.
    pub remembered: BTreeMap<String, String>,
    /// The experiment that was begun with: what it is kept by, and the text of its file.
    pub experiment: Option<(String, String)>,
}

/// One thing that happened. What follows an [`Entry::Tick`] happened at its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Entry<'a> {
    /// Time went on: milliseconds since the recording began.
    Tick(u64),
    /// A slice of long work (a search in the log) was done.
    Work,
    /// A key was pressed: `j`, `G`, `ctrl-x`, `pageup`.
    Key(Cow<'a, str>),
    /// Text was pasted.
    Paste(Cow<'a, str>),
    /// What was drawn at a place was clicked.
    Click(Place<'a>),
    /// The wheel was turned.
    Wheel {
        /// Upwards?
        up: bool,
    },
    /// The screen got another size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The kernel or its lab was asked for something.
    Call {
        /// The number that replies to it have.
        call: u64,
        /// What was asked for.
        request: Cow<'a, Request>,
        /// Bytes of its input (a module's image, mostly), which are not recorded.
        input: u64,
    },
    /// What a program was given as its standard input.
    Input {
        /// The call that runs it.
        call: u64,
        /// A piece of it.
        bytes: Vec<u8>,
    },
    /// A piece of the reply to a call.
    Item {
        call: u64,
        /// The piece; `Done` is the last.
        item: Cow<'a, Item>,
    },
    /// A call could not even be sent.
    Failed {
        call: u64,
        /// Why.
        error: TargetError,
    },
    /// A call was cancelled.
    Cancel { call: u64 },
    /// The machine that the dashboard runs on was asked for something.
    Task {
        /// The number that the reply has.
        call: u64,
        /// What for: `build kmod`.
        what: Cow<'a, str>,
    },
    /// What came of it, or why nothing did.
    Reply {
        /// The task.
        call: u64,
        /// What came of it.
        result: Result<Reply, String>,
    },
    /// What is said on the way to a reply: of a folder that is watched (`News`), or of
    /// a unit test (`Case`).
    Said {
        /// The task.
        call: u64,
        /// What is said.
        what: serde_json::Value,
    },
    /// What is to be seen now, in a sentence; empty: nothing in particular.
    Caption(Cow<'a, str>),
}

/// What was drawn where the screen was clicked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Place<'a> {
    /// A command, by its name.
    Command(Cow<'a, str>),
    /// A row or cell of a view's list.
    Row {
        /// Which list of the view.
        pane: u8,
        /// Which row.
        index: usize,
    },
    /// An item of what lies over the view.
    Layer(usize),
    /// The panel of an experiment, or a choice of its question.
    Experiment(Option<usize>),
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    Done,
    /// A file's bytes; of a module's image only what its `.modinfo` says.
    Bytes(Vec<u8>),
    /// The path of the file that was written.
    Path(String),
    /// File and line of each place, where they are known.
    Places(Vec<Option<String>>),
    /// Something else.
    Other(serde_json::Value),
}
