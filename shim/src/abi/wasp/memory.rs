//! Addresses and lengths that a guest gives, none of which is trusted.

use std::ops::Range;

/// Bytes that the length of bytes takes, before them.
pub(super) const PREFIX: usize = 4;

fn range(address: u32, length: usize) -> Option<Range<usize>> {
    let start = usize::try_from(address).ok()?;
    Some(start..start.checked_add(length)?)
}

/// What lies there, if all of it is in the guest's memory.
pub(super) fn at(data: &[u8], address: u32, length: usize) -> Option<&[u8]> {
    data.get(range(address, length)?)
}

/// Room to write to, if all of it is in the guest's memory.
pub(super) fn room_at(data: &mut [u8], address: u32, length: usize) -> Option<&mut [u8]> {
    data.get_mut(range(address, length)?)
}

/// The bytes whose length lies before them: how many there are, and where they begin.
pub(super) fn prefixed(data: &[u8], address: u32) -> Option<(usize, u32)> {
    let prefix = at(data, address, PREFIX)?.try_into().ok()?;
    let length = usize::try_from(u32::from_le_bytes(prefix)).ok()?;
    Some((length, address.checked_add(u32::try_from(PREFIX).ok()?)?))
}

/// Writes pieces one behind the other; false if they do not fill the room.
pub(super) fn fill<'a>(mut room: &mut [u8], pieces: impl Iterator<Item = &'a [u8]>) -> bool {
    for piece in pieces {
        let Some((this, behind)) = room.split_at_mut_checked(piece.len()) else {
            return false;
        };
        this.copy_from_slice(piece);
        room = behind;
    }
    room.is_empty()
}

/// AssemblyScript's guests count the NUL in.
pub(super) fn without_nul(mut text: Vec<u8>) -> Vec<u8> {
    if text.last() == Some(&0) {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_before_bytes_is_read_in_little_endian() {
        let data = [9, 3, 0, 0, 0, b'a', b'b', b'c'];
        assert_eq!(prefixed(&data, 1), Some((3, 5)));
        assert_eq!(at(&data, 5, 3), Some(&b"abc"[..]));
        assert_eq!(at(&data, 5, 4), None);
        assert_eq!(prefixed(&data, 5), None);
        assert_eq!(prefixed(&data, u32::MAX), None);
    }

    #[test]
    fn one_nul_is_taken_away_and_no_other() {
        assert_eq!(without_nul(b"a\0\0".to_vec()), b"a\0");
        assert_eq!(without_nul(b"a".to_vec()), b"a");
        assert_eq!(without_nul(Vec::new()), b"");
    }

    proptest::proptest! {
        #[test]
        fn what_is_given_lies_inside_whatever_the_guest_says(data: Vec<u8>, address: u32, length: u32) {
            let is_inside = u64::from(address) + u64::from(length) <= data.len() as u64;
            let found = at(&data, address, length as usize);
            assert_eq!(found.map(<[u8]>::len), is_inside.then_some(length as usize));
            assert_eq!(room_at(&mut data.clone(), address, length as usize).is_some(), is_inside);
            // No text and no bytes make it panic.
            let _bytes = prefixed(&data, address).and_then(|(length, address)| at(&data, address, length));
        }

        #[test]
        fn what_was_written_is_read(before in 0_u32..100, text: Vec<u8>, behind in 0_usize..100) {
            let mut data = vec![0xff; before as usize + PREFIX + text.len() + behind];
            let length = (text.len() as u32).to_le_bytes();
            let room = room_at(&mut data, before, PREFIX + text.len()).unwrap();
            assert!(fill(room, [&length[..], &text].into_iter()));
            let (length, address) = prefixed(&data, before).unwrap();
            assert_eq!(at(&data, address, length), Some(&*text));
            assert!(data.iter().take(before as usize).all(|byte| *byte == 0xff));
            assert!(data.iter().rev().take(behind).all(|byte| *byte == 0xff));
        }

        #[test]
        fn pieces_fill_room_of_their_length_alone(pieces: Vec<Vec<u8>>, room in 0_usize..1000) {
            let length: usize = pieces.iter().map(Vec::len).sum();
            let pieces = || pieces.iter().map(Vec::as_slice);
            assert_eq!(fill(&mut vec![0; room], pieces()), room == length);
            assert!(fill(&mut vec![0; length], pieces()));
        }
    }
}
