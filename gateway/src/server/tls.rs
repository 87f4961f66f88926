//! TLS on the listener: the certificate that clients see, read anew when its files change.

mod files;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;

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
    server: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// By file, what can't be used.
    pub(crate) fn read(files: &TlsConfig) -> Result<Tls, TlsError> {
        Ok(Tls {
            server: ArcSwap::from_pointee(server(files)?),
            files: files.clone(),
        })
    }

    pub(super) fn files(&self) -> [PathBuf; 2] {
        [self.files.certificate.clone(), self.files.key.clone()]
    }

    /// Reads the files anew, for connections from now on. Where they can't be used, the pair before them stays.
    pub(super) fn refresh(&self) -> Result<(), TlsError> {
        self.server.store(Arc::new(server(&self.files)?));
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.server.load_full().into()
    }
}

fn server(files: &TlsConfig) -> Result<ServerConfig, TlsError> {
    let certificates = files::certificates(&files.certificate)?;
    let key = files::key(&files.key)?;
    if let Some(certificate) = certificates.first()
        && let Some(warning) = files::out_of_date(certificate)
    {
        tracing::warn!("the certificate in `{}` {warning}", files.certificate.display());
    }
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
    Ok(server)
}
