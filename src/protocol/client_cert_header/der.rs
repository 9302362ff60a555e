//! The outermost DER header of a certificate, so that no byte stands beside the structure that gets hashed.
//! What is inside is read by `crypto::cert`.

use super::fault::DerFault;

/// Accepts `bytes` if they are one DER SEQUENCE from the first byte to the last (X.690 section 10.1).
pub(super) fn check_single_sequence(bytes: &[u8]) -> Result<(), DerFault> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>().ok_or(DerFault::NotSequence)?;
    if tag != 0x30 {
        return Err(DerFault::NotSequence);
    }
    let (length, content) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        // 0x80 is BER's indefinite form. Two bytes of length are enough for every header that is read.
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 2 {
            return Err(DerFault::Length);
        }
        let (digits, content) = rest.split_at_checked(count).ok_or(DerFault::Length)?;
        let length = digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit));
        let shortest = if count == 1 { 0x80 } else { 0x100 };
        if length < shortest {
            return Err(DerFault::Length);
        }
        (length, content)
    };
    match content.len() {
        found if found < length => Err(DerFault::Truncated { missing: length - found }),
        found if found > length => Err(DerFault::Trailing { extra: found - length }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sequence_of_any_length_is_accepted() {
        for header in [&[0x30, 0x00][..], &[0x30, 0x7f], &[0x30, 0x81, 0x80], &[0x30, 0x82, 0x01, 0x00]] {
            let length = match header {
                [_, short] => usize::from(*short),
                [_, _, one] => usize::from(*one),
                _ => 0x100,
            };
            let bytes = [header, &vec![7; length]].concat();
            assert_eq!(check_single_sequence(&bytes), Ok(()), "{header:?}");
        }
    }

    #[test]
    fn a_byte_too_many_or_too_few_is_counted() {
        assert_eq!(check_single_sequence(&[0x30, 1, 0, 0, 0]), Err(DerFault::Trailing { extra: 2 }));
        assert_eq!(check_single_sequence(&[0x30, 3, 0]), Err(DerFault::Truncated { missing: 2 }));
    }

    #[test]
    fn lengths_that_are_ber_but_not_der_are_refused() {
        for bytes in [
            &[0x30, 0x80, 0, 0][..],               // indefinite
            &[0x30, 0x81, 0x01, 0],                // could be short
            &[0x30, 0x82, 0x00, 0x80],             // leading zero
            &[0x30, 0x82, 0x01],                   // cut
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], // 4 GiB
        ] {
            assert_eq!(check_single_sequence(bytes), Err(DerFault::Length), "{bytes:?}");
        }
    }

    #[test]
    fn other_structures_are_refused() {
        for bytes in [&[][..], &[0x30], &[0x31, 0], b"-----BEGIN"] {
            assert_eq!(check_single_sequence(bytes), Err(DerFault::NotSequence), "{bytes:?}");
        }
    }
}
