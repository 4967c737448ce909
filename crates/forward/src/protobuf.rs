//! Just enough protobuf to read answers: the fields of a message, one after the other.

/// One field's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A number.
    Varint(u64),
    /// Text, bytes or a message.
    Bytes(&'a [u8]),
    /// Four or eight bytes, of no use here.
    Fixed,
}

/// The fields of a message up to the first thing that cannot be read.
pub fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut bytes)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut bytes)?),
            1 => fixed(&mut bytes, 8)?,
            5 => fixed(&mut bytes, 4)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (content, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Field::Bytes(content)
            }
            _ => return None,
        };
        Some((tag >> 3, field))
    })
}

/// The first field `number` that is bytes.
#[must_use]
pub fn bytes_of(message: &[u8], number: u64) -> Option<&[u8]> {
    fields(message).find_map(|(at, field)| match field {
        Field::Bytes(bytes) if at == number => Some(bytes),
        _ => None,
    })
}

/// The last field `number` that is a number; 0 when there is none.
#[must_use]
pub fn number_of(message: &[u8], number: u64) -> u64 {
    let numbers = fields(message).filter_map(|(at, field)| match field {
        Field::Varint(value) if at == number => Some(value),
        _ => None,
    });
    numbers.last().unwrap_or(0)
}

fn fixed<'a>(bytes: &mut &[u8], length: usize) -> Option<Field<'a>> {
    *bytes = bytes.get(length..)?;
    Some(Field::Fixed)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_until_something_is_broken() {
        let message = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 2, 3, 4];
        let read: Vec<(u64, Field<'_>)> = fields(&message).collect();
        assert_eq!(read, [(1, Field::Varint(150)), (2, Field::Bytes(b"hi")), (3, Field::Fixed)]);
        assert_eq!(fields(&message[..6]).count(), 1);
        assert_eq!(fields(&[0xff; 30]).count(), 0);
        assert_eq!(fields(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).count(), 0);
    }
}
