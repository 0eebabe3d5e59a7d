//! Bytes, taken one after the other as whatever is needed.

/// What is left of an input. Where nothing is left, there are zeros and empty texts.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// One of these.
    pub fn choice<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Up to 63 bytes as text.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.byte() & 0x3f).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// A text, perhaps many times over.
    pub fn long_text(&mut self) -> String {
        let times = 1_usize << (self.byte() % 14);
        self.text().repeat(times)
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
