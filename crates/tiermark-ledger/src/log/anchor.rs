//! Asking a time-stamp authority (RFC 3161) to say that something existed by now.
//!
//! Its answer, a token with its certificate inside, is the word of somebody who is no party to the log. Keep it
//! beside the checkpoint: `openssl ts -verify` judges it, this room does not.

use crate::Digest;

/// The request, in DER, to stamp something with this SHA-256, as `openssl ts -query -cert -no_nonce` writes it.
///
/// No nonce: the digest of a checkpoint is asked for once, so the answer is bound to it anyway, and the same
/// digest gives the same bytes.
pub fn time_stamp_request(digest: &Digest) -> Vec<u8> {
    [&HEAD[..], digest.as_bytes(), &CERTIFICATE_WANTED].concat()
}

/// TimeStampReq of version 1, up to the digest inside its messageImprint (RFC 3161, 2.4.1).
const HEAD: [u8; 24] = [
    0x30, 57, // TimeStampReq: SEQUENCE of the 57 bytes that follow
    0x02, 1, 1, // version 1
    0x30, 49, // messageImprint: SEQUENCE of 49
    0x30, 13, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0, // SHA-256, no parameters
    0x04, 32, // hashedMessage: the 32 bytes that follow
];

/// certReq: BOOLEAN TRUE, so that the token can be verified when the authority is long gone.
const CERTIFICATE_WANTED: [u8; 3] = [0x01, 1, 0xff];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lengths_inside_are_right() {
        let digest = Digest::from_bytes([0xab; 32]);
        let request = time_stamp_request(&digest);
        assert_eq!(request.len(), 59);
        assert_eq!(usize::from(request[1]), request.len() - 2);
        assert_eq!(usize::from(request[6]), request.len() - 7 - CERTIFICATE_WANTED.len());
        assert_eq!(request[24..56], [0xab; 32]);
    }
}
