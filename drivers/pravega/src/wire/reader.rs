use super::{Entry, WireError};

/// What has not been read yet of a command.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The command's number, and its payload.
    pub fn open(frame: &'a [u8]) -> Result<(i32, Self), WireError> {
        let mut reader = Self(frame);
        let code = reader.int("type")?;
        let length = reader.int("length")?;
        if usize::try_from(length) != Ok(reader.0.len()) {
            return Err(WireError::Wrong("length"));
        }
        Ok((code, reader))
    }

    pub fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(WireError::Short(what))?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn int(&mut self, what: &'static str) -> Result<i32, WireError> {
        let bytes = self.take(4, what)?.try_into().map_err(|_| WireError::Short(what))?;
        Ok(i32::from_be_bytes(bytes))
    }

    pub fn long(&mut self, what: &'static str) -> Result<i64, WireError> {
        let bytes = self.take(8, what)?.try_into().map_err(|_| WireError::Short(what))?;
        Ok(i64::from_be_bytes(bytes))
    }

    pub fn flag(&mut self, what: &'static str) -> Result<bool, WireError> {
        match self.take(1, what)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(WireError::Wrong(what)),
        }
    }

    /// A text; what is no UTF-8 in it is only for people, and is replaced.
    pub fn text(&mut self, what: &'static str) -> Result<String, WireError> {
        let bytes = self.take(2, what)?.try_into().map_err(|_| WireError::Short(what))?;
        let text = self.take(u16::from_be_bytes(bytes).into(), what)?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Bytes with their length before them.
    pub fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.int(what)?).map_err(|_| WireError::Wrong(what))?;
        self.take(length, what)
    }

    /// So many of something as it says first.
    pub fn many<T>(
        &mut self,
        what: &'static str,
        mut one: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        // No room is made beforehand: the number is whatever a stranger says.
        let count = u32::try_from(self.int(what)?).map_err(|_| WireError::Wrong(what))?;
        (0..count).map(|_| one(self)).collect()
    }

    /// A key with its version, and a value.
    pub fn entry(&mut self) -> Result<Entry, WireError> {
        let mut key = Self(self.bytes("key")?);
        let mut value = Self(self.bytes("value")?);
        let entry = Entry {
            key: key.bytes("key")?.to_vec(),
            version: key.long("version")?,
            value: value.bytes("value")?.to_vec(),
        };
        if key.0.is_empty() && value.0.is_empty() { Ok(entry) } else { Err(WireError::Wrong("key or value")) }
    }
}
