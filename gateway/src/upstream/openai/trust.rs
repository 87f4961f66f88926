//! What a server's certificate is measured by.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::files;

/// The largest file of certificates that is read.
const MAX_CERTIFICATES: u64 = 16 << 20;

/// TLS that trusts the authorities in this file and no others, or else the system's.
///
/// # Errors
/// When there are none that can be used.
pub(super) fn tls(ca_file: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let tls = match ca_file {
        Some(file) => tls.with_root_certificates(authorities(file)?),
        None => tls.dangerous().with_custom_certificate_verifier(system(provider)?),
    };
    Ok(tls.with_no_client_auth())
}

fn system(provider: Arc<CryptoProvider>) -> anyhow::Result<Arc<Verifier>> {
    let verifier = Verifier::new(provider).context(
        "https needs the certificates of authorities, and this system has none: install its package \
         `ca-certificates`, or name a file of them as `ca_file`",
    );
    Ok(Arc::new(verifier?))
}

fn authorities(file: &Path) -> anyhow::Result<RootCertStore> {
    let certificates =
        certificates(file).map_err(|problem| anyhow!("its `ca_file` can't be used: {} {problem}", file.display()))?;
    let mut authorities = RootCertStore::empty();
    for certificate in certificates {
        let added = authorities.add(certificate);
        added.with_context(|| format!("its `ca_file` can't be used: {}", file.display()))?;
    }
    Ok(authorities)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = files::read_regular(file, MAX_CERTIFICATES).map_err(|error| error.to_string())?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|_| "is no PEM".to_owned())?;
    if certificates.is_empty() {
        return Err("holds no certificate (PEM, `-----BEGIN CERTIFICATE-----`)".to_owned());
    }
    Ok(certificates)
}
