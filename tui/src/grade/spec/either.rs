// SPDX-License-Identifier: MIT OR Apache-2.0
//! A step of a description: one that all kinds of descriptions have, or one of its
//! kind's own. In the file both are written alike.

use std::fmt::{self, Formatter};
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use strum::VariantNames;

use super::step::Act;

/// One step of a description, whose uses have more steps of their own: those of `Own`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant, reason = "a description has a few dozen, read once")]
pub enum Step<Own> {
    /// Something to do, or to be true.
    Act(Act),
    /// Something that only this kind of description has.
    Own(Own),
}

impl<'de, Own: Deserialize<'de> + VariantNames> Deserialize<'de> for Step<Own> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("Step", &[], Either(PhantomData))
    }
}

/// Reads a step by its word.
struct Either<Own>(PhantomData<Own>);

impl<'de, Own: Deserialize<'de> + VariantNames> Visitor<'de> for Either<Own> {
    type Value = Step<Own>;

    fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("a step")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Self::Value, A::Error> {
        let (name, variant) = data.variant_seed(Word { own: Own::VARIANTS })?;
        let own = Own::VARIANTS.contains(&name.as_str());
        let known = Known { name, variant };
        match own {
            true => Own::deserialize(known).map(Step::Own),
            false => Act::deserialize(known).map(Step::Act),
        }
    }
}

/// The word of a step: refused where there is no such step, with those there are.
struct Word {
    own: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for Word {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = || self.own.iter().chain(Act::VARIANTS);
        if known().any(|one| *one == name) {
            return Ok(name);
        }
        let known: Vec<_> = known().map(|one| format!("`{one}`")).collect();
        let known = known.join(", ");
        Err(Error::custom(format!("there is no step `{name}`: there are {known}")))
    }
}

/// A step whose word was read.
struct Known<A> {
    name: String,
    variant: A,
}

impl<'de, A: VariantAccess<'de>> EnumAccess<'de> for Known<A> {
    type Error = A::Error;
    type Variant = A;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, A), Self::Error> {
        let name: StringDeserializer<A::Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.variant))
    }
}

impl<'de, A: VariantAccess<'de>> Deserializer<'de> for Known<A> {
    type Error = A::Error;

    fn deserialize_any<T: Visitor<'de>>(self, visitor: T) -> Result<T::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
