//! A driver whose functions return whatever bytes they are given: what the host makes of them is the host's affair.
//!
//! `describe` returns the image that the module was made with, `encode` the one in the call's spec, a character for each
//! byte, and `decode` the one in its context. An image is memory as the component model's canonical ABI reads it: a record
//! at its start, and whatever that points at.

use std::fmt::Write as _;
use std::sync::LazyLock;

use wit_component::{StringEncoding, metadata};
use wit_parser::Resolve;

/// Where an image lies in the guest's memory.
pub const BASE: u32 = 0x1_0000;

/// The contract, for a core module to carry.
const CONTRACT: &str = include_str!("../../wit/v1/driver.wit");

/// Offsets in the parameters as the canonical ABI lays them out: a call's spec, and what follows the call.
const CODE: &str = r#"
(module
  (memory (export "memory") 3)
  (data (i32.const 0x10000) "IMAGE")
  (global $next (mut i32) (i32.const 0x20000))
  (func $room (param $bytes i32)
    (local $wanted i32)
    (local.set $wanted (i32.sub (i32.shr_u (i32.add (local.get $bytes) (i32.const 0xffff)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $wanted) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $wanted)) (i32.const -1)) (then unreachable)))))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $place i32)
    (local.set $place (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (local.get $place) (local.get 3)) (i32.const 15)) (i32.const -16)))
    (call $room (global.get $next))
    (local.get $place))
  (func (export "crosspoint:driver/translator@1.0.0#describe") (result i32) (i32.const 0x10000))
  (func (export "crosspoint:driver/translator@1.0.0#encode") (param $call i32) (result i32)
    (local $from i32) (local $end i32) (local $to i32) (local $byte i32)
    (local.set $from (i32.load offset=76 (local.get $call)))
    (local.set $end (i32.add (local.get $from) (i32.load offset=80 (local.get $call))))
    (local.set $to (i32.const 0x10000))
    (block $done (loop $more
      (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
      (local.set $byte (i32.load8_u (local.get $from)))
      (if (i32.ge_u (local.get $byte) (i32.const 0x80)) (then
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (local.set $byte (i32.or
          (i32.shl (i32.and (local.get $byte) (i32.const 3)) (i32.const 6))
          (i32.and (i32.load8_u (local.get $from)) (i32.const 0x3f))))))
      (i32.store8 (local.get $to) (local.get $byte))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br $more)))
    (i32.const 0x10000))
  (func (export "crosspoint:driver/translator@1.0.0#decode") (param $call i32) (result i32)
    (memory.copy (i32.const 0x10000)
      (i32.load offset=176 (local.get $call)) (i32.load offset=180 (local.get $call)))
    (i32.const 0x10000)))
"#;

/// The longest image: what lies behind it is the guest's own.
pub const LONGEST: usize = 0x1_0000;

/// The guest as a package, with this image for `describe`.
pub fn package(image: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for byte in image.iter().take(LONGEST) {
        let _ = write!(text, "\\{byte:02x}");
    }
    let mut module = wat::parse_str(CODE.replace("IMAGE", &text)).unwrap();
    append_section(&mut module, "component-type:driver", &COMPONENT_TYPE);
    module
}

/// What tells the host which functions the module has.
static COMPONENT_TYPE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    let contract = resolve.push_str("driver.wit", CONTRACT).unwrap();
    let world = resolve.select_world(&[contract], Some("driver")).unwrap();
    metadata::encode(&resolve, world, StringEncoding::UTF8, None).unwrap()
});

/// Puts a custom section at a module's end.
fn append_section(module: &mut Vec<u8>, name: &str, data: &[u8]) {
    let name = [&leb128(name.len())[..], name.as_bytes()].concat();
    module.push(0);
    module.extend(leb128(name.len() + data.len()));
    module.extend(name);
    module.extend_from_slice(data);
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

/// A driver's answer, as it would lie in memory.
pub struct Image(Vec<u8>);

impl Image {
    /// A record of so many bytes, all of them 0: every string and list in it empty, every option none.
    pub fn of(size: usize) -> Self {
        Self(vec![0; size])
    }

    pub fn byte(mut self, offset: usize, value: u8) -> Self {
        self.0[offset] = value;
        self
    }

    pub fn word(mut self, offset: usize, value: u32) -> Self {
        self.0[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        self
    }

    /// A string, or a list of bytes; it lies behind what there is already.
    pub fn text(self, offset: usize, text: &str) -> Self {
        self.list(offset, text.as_bytes(), text.len(), 1)
    }

    /// A list of so many elements, which lie in `bytes`.
    pub fn list(mut self, offset: usize, bytes: &[u8], elements: usize, align: usize) -> Self {
        self.0.resize(self.0.len().next_multiple_of(align), 0);
        let place = BASE + u32::try_from(self.0.len()).unwrap();
        self.0.extend_from_slice(bytes);
        self.word(offset, place).word(offset + 4, u32::try_from(elements).unwrap())
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// What `describe` answers for a driver without kinds.
pub fn description() -> Vec<u8> {
    let role = Image::of(DESCRIPTION).text(0, "fuzzed").text(8, "1.0.0").text(16, "returns any bytes").text(104, "{}");
    let name = BASE + u32::try_from(role.0.len()).unwrap();
    let role = role.list(88, b"default", 7, 1);
    let endpoint = Image::of(20).word(0, name).word(4, 7).byte(16, 1).bytes();
    role.list(88, &endpoint, 1, 4).list(96, &[0; 20], 1, 4).word(132, 1).word(136, 4).bytes()
}

/// The size of a description in memory.
const DESCRIPTION: usize = 172;

/// What `encode` answers: a request with this method and target.
#[cfg(test)]
pub fn exchange(method: &str, target: &str) -> Vec<u8> {
    // result: ok at 0; exchange from 4: context, endpoint, request (http at 20, then its fields), extensions.
    Image::of(64).text(12, "default").text(24, method).text(32, target).bytes()
}

/// What `decode` answers: the object with this id, and this result.
#[cfg(test)]
pub fn outcome(backend_id: &str, result: &str) -> Vec<u8> {
    // result: ok at 0; outcome from 8.
    Image::of(136).byte(8, 1).text(12, backend_id).text(44, "null").text(52, result).bytes()
}

/// What `encode` and `decode` answer for a fault that is told in words, by its place in the contract. `align` is that of
/// the function's other answer.
#[cfg(test)]
pub fn fault(case: u8, words: &str, align: usize) -> Vec<u8> {
    Image::of(align + 24).byte(0, 1).byte(align, case).text(align + 4, words).bytes()
}
