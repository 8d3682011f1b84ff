// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of any type by chance, from its own `Deserialize`: whatever a recording or
//! another machine can say at all.

use serde::de::value::Error;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

/// Numbers by chance, the same ones from the same seed (splitmix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A number as the hostile like them.
    pub(crate) fn number(&mut self) -> u64 {
        const EDGES: [u64; 16] = [
            0,
            1,
            u64::MAX,
            u64::MAX - 1,
            i64::MAX as u64,
            i64::MIN as u64,
            u32::MAX as u64,
            i32::MAX as u64,
            u16::MAX as u64,
            u8::MAX as u64,
            4096,
            0x8000_0000_0000,
            0xffff_8000_0000_0000,
            1_000_000_007,
            1 << 53,
            59_999,
        ];
        match self.below(3) {
            0 => self.below(12) as u64,
            1 => *self.one(&EDGES),
            _ => self.next() >> self.below(64),
        }
    }

    /// A text: names that mean something here, and what no name should be.
    pub(crate) fn text(&mut self) -> String {
        const TEXTS: &[&str] = &[
            "",
            "my_name",
            "producer_consumer",
            "memalloc",
            "kmod",
            "my_syscall",
            "pulse",
            "greetings",
            "occupancy",
            "capacity",
            "produced",
            "consumed",
            "threads",
            "slots",
            "paused",
            "pages",
            "pages_limit",
            "device_size",
            "position",
            "ringside",
            "BUG: kernel NULL pointer dereference, address: 0000000000000000",
            "RIP: 0010:broken_put+0x1f/0x40 [broken_null]",
            "Call Trace:",
            " <TASK>",
            " ? beat+0x1/0x9 [pulse]",
            "Kernel panic - not syncing: Fatal exception",
            "---[ end trace 0000000000000000 ]---",
            "\u{1b}[2J\u{202e}\u{0}",
            "日本語の長い行、幅は二つずつ",
            "e\u{301}\u{200d}👩‍👩‍👧",
            "/",
            "a=b c=\"d e\" =",
            "%n%s{}{{",
        ];
        match self.below(10) {
            0 => self.one(TEXTS).repeat(1 + self.below(300)),
            1 => (0..self.below(40))
                .filter_map(|_| char::from_u32(self.number() as u32 & 0x1f_ffff))
                .collect(),
            _ => (*self.one(TEXTS)).to_owned(),
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let size = *self.one(&[0, 1, 7, 8, 16, 24, 32, 40, 64, 96, 512, 1000, 4096]);
        let zero = self.percent(30);
        (0..size).map(|_| if zero { 0 } else { self.number() as u8 }).collect()
    }

    /// A value of any type; `None` for the few that need more than their shape.
    pub(crate) fn value<T: DeserializeOwned>(&mut self) -> Option<T> {
        T::deserialize(Chaos { chance: self, depth: 0 }).ok()
    }
}

struct Chaos<'c> {
    chance: &'c mut Chance,
    depth: usize,
}

/// So many values in a row.
struct Row<'c> {
    chance: &'c mut Chance,
    depth: usize,
    left: usize,
}

impl Chaos<'_> {
    /// How many a list has: few, deep inside.
    fn count(&mut self) -> usize {
        match self.chance.below(10) {
            0 if self.depth < 4 => self.chance.below(200),
            1..=3 => self.chance.below(12),
            4..=7 => 1 + self.chance.below(2),
            _ => 0,
        }
    }

    fn row<'de, V: Visitor<'de>>(self, visitor: V, left: usize) -> Result<V::Value, Error> {
        visitor.visit_seq(Row { chance: self.chance, depth: self.depth + 1, left })
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.chance.number() as $type)
        }
    )* };
}

impl<'de> Deserializer<'de> for Chaos<'_> {
    type Error = Error;

    numbers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.chance.below(3) {
            0 => visitor.visit_unit(),
            1 => visitor.visit_u64(self.chance.number()),
            _ => visitor.visit_string(self.chance.text()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.chance.percent(50))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f32(f32::from_bits(self.chance.number() as u32))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        const EDGES: [f64; 6] = [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN, f64::MAX];
        visitor.visit_f64(*self.chance.one(&EDGES))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char(self.chance.text().chars().next().unwrap_or('\u{0}'))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.chance.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.chance.text())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.chance.bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.chance.bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.chance.percent(40) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let count = self.count();
        self.row(visitor, count)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.row(visitor, count)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.row(visitor, count)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        let left = self.count();
        visitor.visit_map(Row { chance: self.chance, depth: self.depth + 1, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.row(visitor, fields.len())
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let index = self.chance.below(variants.len()) as u32;
        visitor.visit_enum(Variant { chaos: self, index })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.chance.text())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

impl<'de> SeqAccess<'de> for Row<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(Chaos { chance: self.chance, depth: self.depth }).map(Some)
    }
}

impl<'de> MapAccess<'de> for Row<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Chaos { chance: self.chance, depth: self.depth })
    }
}

struct Variant<'c> {
    chaos: Chaos<'c>,
    index: u32,
}

impl<'de, 'c> EnumAccess<'de> for Variant<'c> {
    type Error = Error;
    type Variant = Chaos<'c>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Chaos<'c>), Error> {
        let index: de::value::U32Deserializer<Error> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self.chaos))
    }
}

impl<'de> VariantAccess<'de> for Chaos<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.row(visitor, count)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.row(visitor, fields.len())
    }
}
