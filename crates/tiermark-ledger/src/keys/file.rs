//! Secrets at rest: one encrypted PKCS#8 file each, which OpenSSL opens.
//!
//! `openssl pkey -in keys/sign.pem -passin file:P -text` shows a key without us. Version 1 of the container:
//! OpenSSL 3.0 refuses version 2, which carries the public key and is what most libraries write. The
//! watermark root rides in the same container: its 32 bytes stand where an Ed25519 seed stands, so one
//! format, one passphrase and one backup habit serve all three.

use super::{NoRandomness, Passphrase, Signer, WatermarkRoot, fresh};
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes};
use pkcs8::der::{Decode, SecretDocument, asn1::OctetStringRef, pem::PemLabel};
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::pkcs5::{EncryptionScheme, scrypt};
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why a key file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The passphrase does not open the file.
    #[error("{}: the passphrase is wrong, or the file is damaged", .path.display())]
    WrongPassphrase {
        /// The key file.
        path: PathBuf,
    },
    /// The file is not an encrypted key of the expected kind.
    #[error("{}: not an encrypted Ed25519 key ({why}); restore it from your backup", .path.display())]
    Damaged {
        /// The key file.
        path: PathBuf,
        /// What was wrong with it.
        why: &'static str,
    },
    /// There is a file already; keys are never overwritten.
    #[error("{}: there is a key already, and keys are never overwritten", .path.display())]
    AlreadyThere {
        /// The key file.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// The key file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No randomness for the salt.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Writes a signing key under a passphrase into a new file, readable by its owner alone.
///
/// # Errors
/// When the file exists already, or the disk refuses.
pub fn write_signer(path: &Path, key: &Signer, passphrase: &Passphrase) -> Result<(), KeyError> {
    write(path, &key.seed(), passphrase)
}

/// Writes a watermark root under a passphrase into a new file, readable by its owner alone.
///
/// # Errors
/// When the file exists already, or the disk refuses.
pub fn write_watermark_root(
    path: &Path,
    root: &WatermarkRoot,
    passphrase: &Passphrase,
) -> Result<(), KeyError> {
    write(path, root.as_bytes(), passphrase)
}

/// Opens the file of a signing key.
///
/// # Errors
/// When the passphrase is wrong, the file is damaged or not a key, or the disk refuses.
pub fn read_signer(path: &Path, passphrase: &Passphrase) -> Result<Signer, KeyError> {
    read(path, passphrase).map(|seed| Signer::from_seed(&seed))
}

/// Opens the file of a watermark root.
///
/// # Errors
/// When the passphrase is wrong, the file is damaged or not a key, or the disk refuses.
pub fn read_watermark_root(path: &Path, passphrase: &Passphrase) -> Result<WatermarkRoot, KeyError> {
    read(path, passphrase).map(|bytes| WatermarkRoot::from_bytes(&bytes))
}

pub(super) fn write(path: &Path, secret: &[u8; 32], passphrase: &Passphrase) -> Result<(), KeyError> {
    let pem = seal(secret, passphrase)?;
    let disk = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::AlreadyThere { path: path.to_owned() },
        _ => KeyError::Disk { path: path.to_owned(), source },
    };
    let hidden = path.with_extension(format!("new-{:08x}", u32::from_le_bytes(*fresh()?)));
    let written = write_synced(&hidden, pem.as_bytes()).and_then(|()| publish(&hidden, path));
    // After `publish` the hidden name may be gone already; if it is not, the key has two names until here.
    let _ = fs::remove_file(&hidden);
    written.map_err(disk)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Gives a finished file its name, unless that name is taken.
///
/// A link fails where a rename would overwrite; where the file system has no links, a look and a rename.
fn publish(hidden: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(hidden, path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(e),
        Err(_) if path.try_exists()? => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(hidden, path)?,
    }
    sync_folder_of(path)
}

/// Makes a new name in a folder durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn seal(secret: &[u8; 32], passphrase: &Passphrase) -> Result<Zeroizing<String>, KeyError> {
    let (salt, iv) = (fresh::<16>()?, fresh::<16>()?);
    // Cost 2^14, 8, 1 needs 16 MiB; from 2^15 on OpenSSL refuses, whose limit for scrypt is 32 MiB.
    let cost = scrypt::Params::new(14, 8, 1).expect("parameters of RFC 7914, section 2");
    let scheme =
        Parameters::generate_scrypt_aes256cbc(cost, &*salt, *iv).expect("a salt of 16 bytes is allowed");
    let plain = KeypairBytes { secret_key: *secret, public_key: None };
    let plain = plain.to_pkcs8_der().expect("32 bytes have an encoding");
    let sealed =
        scheme.encrypt(passphrase.as_bytes(), plain.as_bytes()).expect("the buffer has room for padding");
    let sealed = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: scheme.into(),
        encrypted_data: OctetStringRef::new(&sealed).expect("a hundred bytes fit"),
    };
    let sealed = SecretDocument::try_from(sealed).expect("a hundred bytes have an encoding");
    Ok(sealed.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).expect("a label of letters"))
}

pub(super) fn read(path: &Path, passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let damaged = |why| KeyError::Damaged { path: path.to_owned(), why };
    let pem = read_bounded(path).map_err(|source| KeyError::Disk { path: path.to_owned(), source })?;
    let pem = str::from_utf8(&pem).map_err(|_| damaged("not text"))?;
    let (label, sealed) = SecretDocument::from_pem(pem).map_err(|_| damaged("no PEM block, or a cut one"))?;
    if label != EncryptedPrivateKeyInfoRef::PEM_LABEL {
        return Err(damaged("another kind of PEM block"));
    }
    let sealed =
        EncryptedPrivateKeyInfoRef::from_der(sealed.as_bytes()).map_err(|_| damaged("no PKCS#8 inside"))?;
    let EncryptionScheme::Pbes2(scheme) = &sealed.encryption_algorithm else {
        return Err(damaged("an outdated cipher"));
    };
    bound_cost(scheme).map_err(damaged)?;
    let mut plain = Zeroizing::new(sealed.encrypted_data.as_bytes().to_vec());
    // A wrong passphrase passes the padding once in 256 times; the structure inside then fails.
    open(scheme, passphrase, &mut plain).ok_or_else(|| KeyError::WrongPassphrase { path: path.to_owned() })
}

fn open(scheme: &Parameters, passphrase: &Passphrase, buffer: &mut [u8]) -> Option<Zeroizing<[u8; 32]>> {
    let plain = scheme.decrypt_in_place(passphrase.as_bytes(), buffer).ok()?;
    let info = PrivateKeyInfoRef::from_der(plain).ok()?;
    let pair = KeypairBytes::try_from(info).ok()?;
    Some(Zeroizing::new(pair.secret_key))
}

/// A key file of ours has 350 bytes; 16 KiB leave room for those of others.
fn read_bounded(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(16 * 1024).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file may ask for work; more than a second or 64 MiB of it is an attack, not a key.
fn bound_cost(scheme: &Parameters) -> Result<(), &'static str> {
    let fair = match &scheme.kdf {
        Kdf::Scrypt(scrypt) => {
            let memory = scrypt.cost_parameter.checked_mul(128 * u64::from(scrypt.block_size));
            memory.is_some_and(|m| m <= 64 << 20) && scrypt.parallelization <= 4
        }
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= 4_000_000,
        _ => false,
    };
    if fair { Ok(()) } else { Err("it asks for too much work or memory") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    fn pass(text: &str) -> Passphrase {
        Passphrase::new(text.into()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_only_with_its_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sign.pem");
        let key = Signer::from_seed(&[7; 32]);
        write_signer(&path, &key, &pass("right")).unwrap();
        assert_eq!(read_signer(&path, &pass("right")).unwrap().public(), key.public());
        assert!(matches!(read_signer(&path, &pass("wrong")).err(), Some(KeyError::WrongPassphrase { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the hidden name is gone");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sign.pem");
        fs::write(&path, "precious").unwrap();
        let written = write_signer(&path, &Signer::from_seed(&[7; 32]), &pass("p"));
        assert!(matches!(written, Err(KeyError::AlreadyThere { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_cut_or_bent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.pem");
        write_watermark_root(&path, &WatermarkRoot::from_bytes(&[9; 32]), &pass("p")).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in (0..whole.len() - 1).step_by(19) {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(
                matches!(read_watermark_root(&path, &pass("p")).err(), Some(KeyError::Damaged { .. })),
                "{cut}"
            );
        }
        fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
        assert!(matches!(read_watermark_root(&path, &pass("p")).err(), Some(KeyError::Damaged { .. })));
    }

    #[test]
    fn a_file_cannot_order_a_gigabyte() {
        let cost = scrypt::Params::new(20, 8, 1).unwrap();
        let greedy = Parameters::generate_scrypt_aes256cbc(cost, &[0; 16], [0; 16]).unwrap();
        assert!(bound_cost(&greedy).is_err());
        let slow = Parameters::generate_pbkdf2_sha256_aes256cbc(9_000_000, &[0; 16], [0; 16]);
        assert!(slow.is_err() || bound_cost(&slow.unwrap()).is_err());
    }
}
