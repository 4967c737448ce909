//! A writer of protobuf's wire format that is not ours: what the server reads must not have been written by its own code.

/// A message being written.
#[derive(Debug, Default)]
pub struct Message {
    pub bytes: Vec<u8>,
}

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn key(&mut self, number: u32, wire_type: u32) {
        self.raw_varint(u64::from(number << 3 | wire_type));
    }

    pub fn varint(&mut self, number: u32, value: u64) {
        self.key(number, 0);
        self.raw_varint(value);
    }

    pub fn fixed64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.fixed64_with_zero(number, value);
        }
    }

    pub fn fixed64_with_zero(&mut self, number: u32, value: u64) {
        self.key(number, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn blob(&mut self, number: u32, bytes: &[u8]) {
        self.key(number, 2);
        self.raw_varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub fn text(&mut self, number: u32, text: &str) {
        self.blob(number, text.as_bytes());
    }

    /// A message within this one: written in place, its length put in afterwards.
    pub fn message(&mut self, number: u32, fill: impl FnOnce(&mut Self)) {
        self.key(number, 2);
        let at = self.bytes.len();
        self.bytes.push(0);
        fill(self);
        let length = self.bytes.len() - at - 1;
        if length < 0x80 {
            self.bytes[at] = length as u8;
        } else {
            let mut prefix = Self::default();
            prefix.raw_varint(length as u64);
            self.bytes.splice(at..=at, prefix.bytes);
        }
    }
}
