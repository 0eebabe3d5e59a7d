//! Commands of the wire protocol as the segment store here reads and writes them, from the published layout.

use bytes::{Buf, BufMut, Bytes, TryGetError};

/// A key with its version, and a value.
pub type Entry = (Vec<u8>, i64, Vec<u8>);

/// What has not been read yet of a command.
pub struct Payload(pub Bytes);

impl Payload {
    pub fn long(&mut self) -> Result<i64, TryGetError> {
        self.0.try_get_i64()
    }

    pub fn int(&mut self) -> Result<i32, TryGetError> {
        self.0.try_get_i32()
    }

    pub fn byte(&mut self) -> Result<u8, TryGetError> {
        self.0.try_get_u8()
    }

    pub fn text(&mut self) -> Result<String, TryGetError> {
        let length = self.0.try_get_u16()?;
        Ok(String::from_utf8(self.take(length.into())?).unwrap())
    }

    /// A key with its version, whose length stands before it twice: with the version, and without.
    pub fn key(&mut self) -> Result<(Vec<u8>, i64), TryGetError> {
        let (whole, length) = (self.int()?, self.int()?);
        assert_eq!(whole, length + 12, "a key's two lengths");
        Ok((self.take(usize::try_from(length).unwrap())?, self.long()?))
    }

    pub fn value(&mut self) -> Result<Vec<u8>, TryGetError> {
        let (whole, length) = (self.int()?, self.int()?);
        assert_eq!(whole, length + 4, "a value's two lengths");
        self.take(usize::try_from(length).unwrap())
    }

    pub fn many<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, TryGetError>) -> Result<Vec<T>, TryGetError> {
        (0..self.int()?).map(|_| one(self)).collect()
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, TryGetError> {
        let mut taken = vec![0; length];
        self.0.try_copy_to_slice(&mut taken)?;
        Ok(taken)
    }
}

/// A command in the making.
#[derive(Default)]
pub struct Made(Vec<u8>);

impl Made {
    pub fn long(mut self, number: i64) -> Self {
        self.0.put_i64(number);
        self
    }

    pub fn int(mut self, number: i32) -> Self {
        self.0.put_i32(number);
        self
    }

    pub fn flag(mut self, flag: bool) -> Self {
        self.0.put_u8(flag.into());
        self
    }

    pub fn text(mut self, text: &str) -> Self {
        self.0.put_u16(u16::try_from(text.len()).unwrap());
        self.0.put_slice(text.as_bytes());
        self
    }

    pub fn bytes(self, bytes: &[u8]) -> Self {
        let mut made = self.int(i32::try_from(bytes.len()).unwrap());
        made.0.put_slice(bytes);
        made
    }

    pub fn entries(self, entries: &[Entry]) -> Self {
        let made = self.int(i32::try_from(entries.len()).unwrap());
        entries.iter().fold(made, |made, (key, version, value)| {
            let (with_version, alone) = (key.len() + 12, value.len() + 4);
            let made = made.int(i32::try_from(with_version).unwrap()).bytes(key).long(*version);
            made.int(i32::try_from(alone).unwrap()).bytes(value)
        })
    }

    /// The whole frame.
    pub fn frame(self, code: i32) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.put_i32(code);
        frame.put_i32(i32::try_from(self.0.len()).unwrap());
        frame.put_slice(&self.0);
        frame
    }
}
