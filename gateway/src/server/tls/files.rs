//! What stands in the files of a certificate and its key.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::TlsError;
use crate::files;

/// How long before its end a certificate is told of.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// The largest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// The certificate and those that sign it.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unusable(
            file,
            &format!("holds no certificate in PEM form{}", instead(&text)),
        )),
        Err(error) => Err(unusable(file, &format!("is damaged: {error}"))),
    }
}

pub(super) fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(file)?;
    if is_encrypted(&text) {
        let problem = "holds a key that is encrypted with a passphrase; decrypt it, as in `openssl pkey -in FILE`";
        return Err(unusable(file, problem));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => {
            unusable(file, &format!("holds no private key in PEM form{}", instead(&text)))
        }
        error => unusable(file, &format!("is damaged: {error}")),
    })
}

/// From when and until when a certificate is valid, since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Duration,
    pub(super) until: Duration,
}

/// What is to be told of a certificate's validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Early,
    EndsSoon,
    Expired,
}

impl Validity {
    /// None: what can't be told is the clients' affair.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Validity> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let validity = certificate.tbs_certificate().validity();
        Some(Validity {
            from: validity.not_before.to_unix_duration(),
            until: validity.not_after.to_unix_duration(),
        })
    }

    /// What is wrong with it at this time since 1970.
    pub(super) fn trouble(self, now: Duration) -> Option<Trouble> {
        // One that is made for a few days is always near its end.
        let soon = SOON.min((self.until.saturating_sub(self.from)) / 3);
        if now > self.until {
            Some(Trouble::Expired)
        } else if now < self.from {
            Some(Trouble::Early)
        } else if self.until - now < soon {
            Some(Trouble::EndsSoon)
        } else {
            None
        }
    }

    pub(super) fn in_words(self, trouble: Trouble) -> String {
        match trouble {
            Trouble::Early => format!("is valid from {} on: clients refuse it until then", date(self.from)),
            Trouble::EndsSoon => format!("expires on {}: put a new one in its place", date(self.until)),
            Trouble::Expired => format!("expired on {}: clients refuse it", date(self.until)),
        }
    }
}

fn date(since_1970: Duration) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_1970)
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let text = files::read_regular(file, MAX_FILE).map_err(|error| unusable(file, &error.to_string()))?;
    if text.trim_ascii().is_empty() {
        return Err(unusable(file, "is empty"));
    }
    Ok(text)
}

/// Both forms in which a passphrase shows.
fn is_encrypted(text: &[u8]) -> bool {
    let contains = |words: &[u8]| memchr::memmem::find(text, words).is_some();
    contains(b"BEGIN ENCRYPTED PRIVATE KEY") || contains(b"Proc-Type: 4,ENCRYPTED")
}

/// What stands there in place of what is looked for, where that is plain.
fn instead(text: &[u8]) -> &'static str {
    let contains = |words: &[u8]| memchr::memmem::find(text, words).is_some();
    if contains(b"BEGIN CERTIFICATE") {
        ", but a certificate"
    } else if contains(b"PRIVATE KEY") {
        ", but a private key"
    } else if text.first() == Some(&0x30) {
        "; it looks like DER: convert it, as in `openssl x509 -inform der` or `openssl pkey -inform der`"
    } else {
        ""
    }
}

fn unusable(file: &Path, problem: &str) -> TlsError {
    TlsError::Unusable {
        file: file.to_owned(),
        problem: problem.to_owned(),
    }
}
