//! TLS on the listener: the certificate that clients see, read anew when its files change.

mod files;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;

use self::files::{Trouble, Validity};
use crate::config::TlsConfig;

/// What clients may speak within TLS, best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What a TLS client's first byte is: the type of the record that a handshake begins with.
pub(super) const HANDSHAKE: u8 = 0x16;

/// Why a certificate can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the file `{}` {problem}", file.display())]
    Unusable { file: PathBuf, problem: String },
    #[error(
        "the key in `{}` does not belong to the certificate in `{}` (`tls.key`, `tls.certificate`); the first \
         certificate of the file has to be the server's own",
        key.display(), certificate.display()
    )]
    NotAPair { key: PathBuf, certificate: PathBuf },
}

/// The certificate of the listener.
pub(crate) struct Tls {
    files: TlsConfig,
    current: ArcSwap<Current>,
}

/// What is served, and until when.
struct Current {
    server: Arc<ServerConfig>,
    validity: Option<Validity>,
    /// What was told of its validity last.
    told: Mutex<Option<Trouble>>,
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// By file, what can't be used.
    pub(crate) fn read(files: &TlsConfig) -> Result<Tls, TlsError> {
        let tls = Tls {
            current: ArcSwap::from_pointee(current(files)?),
            files: files.clone(),
        };
        tls.tell_of_validity();
        Ok(tls)
    }

    pub(super) fn files(&self) -> [PathBuf; 2] {
        [self.files.certificate.clone(), self.files.key.clone()]
    }

    /// Reads the files anew, for connections from now on. Where they can't be used, the pair before them stays.
    pub(super) fn refresh(&self) -> Result<(), TlsError> {
        let new = current(&self.files)?;
        let before = self.current.load();
        if new.validity == before.validity {
            *locked(&new.told) = *locked(&before.told);
        }
        self.current.store(Arc::new(new));
        self.tell_of_validity();
        Ok(())
    }

    /// Warns of a certificate that is out of date or soon will be: once of each.
    pub(super) fn tell_of_validity(&self) {
        let current = self.current.load();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let trouble = current
            .validity
            .and_then(|validity| Some((validity, validity.trouble(now)?)));
        let before = std::mem::replace(&mut *locked(&current.told), trouble.map(|(_, trouble)| trouble));
        if let Some((validity, trouble)) = trouble
            && before != Some(trouble)
        {
            let file = self.files.certificate.display();
            tracing::warn!("the certificate in `{file}` {}", validity.in_words(trouble));
        }
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.load().server.clone().into()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn current(files: &TlsConfig) -> Result<Current, TlsError> {
    let certificates = files::certificates(&files.certificate)?;
    let key = files::key(&files.key)?;
    let validity = certificates.first().and_then(Validity::of);
    let server = ServerConfig::builder_with_protocol_versions(&[&TLS13, &TLS12])
        .with_no_client_auth()
        .with_single_cert(certificates, key);
    let mut server = server.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::NotAPair {
            key: files.key.clone(),
            certificate: files.certificate.clone(),
        },
        rustls::Error::InvalidCertificate(problem) => TlsError::Unusable {
            file: files.certificate.clone(),
            problem: format!("holds a certificate that can't be used: {problem:?}"),
        },
        other => TlsError::Unusable {
            file: files.key.clone(),
            problem: format!("holds a key that can't be used: {other}"),
        },
    })?;
    server.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Current {
        server: Arc::new(server),
        validity,
        told: Mutex::default(),
    })
}
