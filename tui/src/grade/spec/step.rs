// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a test does, and what must be true then.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::VariantNames;

use super::text::Text;
use super::value::{Condition, ErrnoName, Glob};

/// One thing to do, or to be true: the same words and fields for judging and for
/// experiments.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schemars(transform = tables_too)]
pub enum Act {
    /// Load a module: one of the submission; in an experiment one of Ringside's, and one
    /// that is loaded is unloaded first, or, where no parameters are named, left as it is.
    Load(Load),
    /// Unload it.
    Unload(Unload),
    /// Write to a control or a parameter of a module.
    Set(Set),
    /// Run a program.
    Run(Run),
    /// Have a process use /dev/memalloc.
    Memory(Memory),
    /// Use /dev/kmod.
    Block(BlockStep),
    /// Look at a device or a file without the module.
    Peek(Peek),
    /// What a counter must be.
    Counter(CounterCheck),
    /// What a file of the guest must hold.
    File(FileCheck),
    /// What the kernel must have said since the test, or the experiment, began.
    Log(LogCheck),
    /// How many processes or threads there must be.
    Processes(Processes),
    /// Plug the USB stick in.
    Plug,
    /// Pull it out.
    Unplug,
    /// Crash the kernel; what follows meets a dead one.
    Crash,
    /// Nothing may be left that was not there when the test, or the experiment, began.
    NothingLeft(NothingLeft),
    /// Wait, in milliseconds.
    Pause(u32),
}

/// Steps that only judging has.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Judging {
    /// These points are kept even if a later step fails.
    Award(u32),
}

/// What is no more than a word may be written as a table, too: `plug = {}`.
fn tables_too(schema: &mut Schema) {
    let Some(Value::Array(ways)) = schema.get_mut("oneOf") else { return };
    let words: Vec<Value> = ways.iter().filter(|way| way.get("const").is_some()).cloned().collect();
    for way in words {
        let word = way["const"].as_str().unwrap_or_default();
        ways.push(json!({
            "description": way["description"],
            "type": "object",
            "properties": { word: { "type": "object", "additionalProperties": false } },
            "required": [word],
            "additionalProperties": false,
        }));
    }
}

/// Loads a module.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Its name.
    pub module: String,
    /// Its parameters, as insmod takes them.
    #[serde(default)]
    pub parameters: String,
    /// It must be refused with this error.
    pub refused: Option<ErrnoName>,
}

/// Unloads a module.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unload {
    /// Its name.
    pub module: String,
    /// It must be refused with this error.
    pub refused: Option<ErrnoName>,
}

/// Writes to a file of a module.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The module.
    pub module: String,
    /// A file in its `controls` folder.
    pub control: Option<String>,
    /// A file in its `parameters` folder, if not a control.
    pub parameter: Option<String>,
    /// What to write.
    pub value: String,
    /// It must be refused with this error.
    pub refused: Option<ErrnoName>,
}

/// Runs a program in the folder of the build.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Who runs it, if not root.
    pub user: Option<String>,
    /// Its standard input.
    #[serde(default)]
    pub input: String,
    /// The exit status it must have; a signal N counts as 128 + N.
    #[serde(default)]
    pub status: u8,
    /// What its standard output must be.
    pub stdout: Option<Text>,
    /// What its standard error must be.
    pub stderr: Option<Text>,
    /// Seconds that it may take.
    pub within: Option<u32>,
}

/// Has a process use /dev/memalloc.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Which: a name of yours; it is started when it is first named.
    #[serde(default = "process")]
    pub process: String,
    /// What it does.
    pub action: MemoryDo,
    /// It must be refused with this error.
    pub refused: Option<ErrnoName>,
    /// The text that is read must be this.
    pub reads: Option<String>,
    /// The process must die of it.
    #[serde(default)]
    pub dies: bool,
}

fn process() -> String {
    "a".into()
}

/// What a process does with memory.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MemoryDo {
    /// ALLOCATE.
    Allocate {
        /// The address.
        at: u64,
        /// How many.
        pages: i32,
        /// Writable?
        #[serde(default)]
        write: bool,
    },
    /// FREE.
    Free {
        /// The address.
        at: u64,
    },
    /// Load bytes.
    Read {
        /// The address.
        at: u64,
        /// How many.
        size: u32,
    },
    /// Store text.
    Write {
        /// The address.
        at: u64,
        /// What.
        text: String,
    },
    /// SHAREPAGE.
    Share {
        /// The address.
        at: u64,
        /// The process it is offered to.
        with: String,
        /// Writable?
        #[serde(default)]
        write: bool,
    },
    /// ACCESSPAGE.
    Access {
        /// The address.
        at: u64,
    },
    /// The process ends.
    End,
}

/// Uses /dev/kmod.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockStep {
    /// What.
    pub action: BlockDo,
    /// It must be refused with this error.
    pub refused: Option<ErrnoName>,
    /// The text that is read must be this.
    pub reads: Option<String>,
    /// How many bytes must have been moved.
    pub moves: Option<u32>,
}

/// What is done by /dev/kmod.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BlockDo {
    /// BREAD.
    Read {
        /// Bytes.
        size: u32,
    },
    /// BWRITE.
    Write {
        /// What.
        text: String,
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// BREADOFFSET.
    ReadOffset {
        /// Where, in bytes.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// BWRITEOFFSET.
    WriteOffset {
        /// Where, in bytes.
        offset: u32,
        /// What.
        text: String,
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
}

fn once() -> u32 {
    1
}

/// Looks at a device or a file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peek {
    /// Its path.
    pub path: String,
    /// Bytes from its beginning.
    #[serde(default)]
    pub offset: u64,
    /// What must be there.
    pub is: String,
}

/// What a counter must be.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CounterCheck {
    /// The module.
    pub module: String,
    /// A file in its `counters` folder.
    pub name: String,
    /// What it must be.
    pub is: Condition,
    /// Seconds within which it must become that; without: at once.
    #[serde(default)]
    pub within: u32,
}

/// What a file must hold.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileCheck {
    /// Its path in the guest.
    pub path: String,
    /// What it must be.
    pub is: Option<Condition>,
    /// What its text must be.
    pub text: Option<Text>,
    /// Seconds within which it must become that; without: at once.
    #[serde(default)]
    pub within: u32,
}

/// What the kernel must have said.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogCheck {
    /// What its log must be.
    pub text: Text,
    /// Seconds within which it must become that.
    #[serde(default = "within")]
    pub within: u32,
}

fn within() -> u32 {
    3
}

/// How many processes there must be.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Processes {
    /// Their name; `*` stands for any characters.
    pub name: Glob,
    /// How many: a comparison like "== 5".
    pub count: Condition,
    /// Only those that sleep?
    #[serde(default)]
    pub asleep: bool,
    /// Seconds within which it must become that.
    #[serde(default = "within")]
    pub within: u32,
}

/// Nothing may be left: no module, no kernel thread, no device.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NothingLeft {
    /// How much less memory may be free than when it began, in KiB.
    pub memory_kib: Option<u64>,
}
