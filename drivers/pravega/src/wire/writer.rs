use super::{LONGEST, WireError};

/// A command in the making.
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn new(code: i32) -> Self {
        let mut bytes = code.to_be_bytes().to_vec();
        bytes.extend([0; 4]);
        Self(bytes)
    }

    pub fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.byte(flag.into())
    }

    pub fn int(&mut self, number: i32) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub fn long(&mut self, number: i64) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// A text, with its length in 16 bits before it.
    pub fn text(&mut self, text: &str) -> Result<&mut Self, WireError> {
        let length = u16::try_from(text.len()).map_err(|_| WireError::TooLong("a name"))?;
        self.0.extend(length.to_be_bytes());
        self.0.extend(text.as_bytes());
        Ok(self)
    }

    /// A key or a value, with its length before it, and the length of all that belongs to it before that.
    pub fn block(&mut self, bytes: &[u8], version: Option<i64>) -> Result<&mut Self, WireError> {
        let too_long = |_| WireError::TooLong("a key or a value");
        let length = i32::try_from(bytes.len()).map_err(too_long)?;
        let whole = bytes.len() + 4 + version.map_or(0, |_| 8);
        self.int(i32::try_from(whole).map_err(too_long)?).int(length);
        self.0.extend(bytes);
        if let Some(version) = version {
            self.long(version);
        }
        Ok(self)
    }

    /// The whole frame.
    pub fn finish(mut self) -> Result<Vec<u8>, WireError> {
        let too_long = WireError::TooLong("the command");
        if u32::try_from(self.0.len()).map_or(true, |length| length > LONGEST) {
            return Err(too_long);
        }
        let length = i32::try_from(self.0.len() - 8).map_err(|_| too_long)?;
        for (place, byte) in self.0.iter_mut().skip(4).zip(length.to_be_bytes()) {
            *place = byte;
        }
        Ok(self.0)
    }
}
