use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};

use super::*;

struct Pair {
    certificate: String,
    key: String,
}

fn pair(change: impl FnOnce(&mut CertificateParams)) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    change(&mut parameters);
    Pair {
        certificate: parameters.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn of(certificate: &str, key: &str) -> Result<Tls, String> {
    let _already = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let files = TlsConfig {
        certificate: write("cert.pem", certificate),
        key: write("key.pem", key),
    };
    Tls::read(&files).map_err(|error| error.to_string())
}

#[test]
fn a_pair_that_fits_is_taken() {
    let Pair { certificate, key } = pair(|_| {});
    assert!(of(&certificate, &key).is_ok());
    let signer = pair(|_| {}).certificate;
    assert!(
        of(&format!("{certificate}{signer}"), &key).is_ok(),
        "with those that sign it"
    );
}

#[test]
fn what_is_no_certificate_with_its_key_is_refused_by_file() {
    let Pair { certificate, key } = pair(|_| {});
    let other = pair(|_| {}).key;
    let of_another_kind = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let old_encrypted = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{}",
        "AAAA\n"
    );
    let cut_off = certificate.get(..certificate.len() / 2).unwrap();
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cases = [
        (
            certificate.as_str(),
            other.as_str(),
            "key.pem` does not belong to the certificate in",
        ),
        (&certificate, &of_another_kind, "does not belong"),
        ("", &key, "cert.pem` is empty"),
        (&certificate, "\n", "key.pem` is empty"),
        (
            &key,
            &key,
            "cert.pem` holds no certificate in PEM form, but a private key",
        ),
        (
            &certificate,
            &certificate,
            "key.pem` holds no private key in PEM form, but a certificate",
        ),
        (&certificate, &encrypted, "key.pem` holds a key that is encrypted"),
        (&certificate, &old_encrypted, "key.pem` holds a key that is encrypted"),
        (cut_off, &key, "cert.pem` is damaged"),
        (no_certificate, &key, "cert.pem` holds a certificate that can't be used"),
        ("0\u{1}", &key, "openssl x509"),
    ];
    for (certificate, key, words) in cases {
        let error = of(certificate, key).err().unwrap_or_else(|| panic!("{words} is taken"));
        assert!(error.contains(words), "{words:?} is not in {error}");
    }
}

#[test]
fn a_certificate_that_is_out_of_date_or_soon_will_be_is_told_of() {
    let now = Duration::from_secs(1_790_000_000);
    let told = |change: fn(&mut CertificateParams)| {
        let pair = pair(change);
        let certificates: Vec<_> =
            rustls::pki_types::pem::PemObject::pem_slice_iter(pair.certificate.as_bytes()).collect();
        let validity = Validity::of(certificates.first().unwrap().as_ref().unwrap()).unwrap();
        Some(validity.in_words(validity.trouble(now)?))
    };
    assert_eq!(told(|_| {}), None);
    let expired = told(|it| it.not_after = rcgen::date_time_ymd(2020, 2, 3)).unwrap();
    assert!(expired.starts_with("expired on Mon, 03 Feb 2020"), "{expired}");
    let early = told(|it| it.not_before = rcgen::date_time_ymd(3000, 1, 1)).unwrap();
    assert!(early.starts_with("is valid from"), "{early}");
    // The time above is in September 2026.
    let soon = told(|it| it.not_after = rcgen::date_time_ymd(2026, 9, 25)).unwrap();
    assert!(soon.starts_with("expires on Fri, 25 Sep 2026"), "{soon}");
    assert_eq!(told(|it| it.not_after = rcgen::date_time_ymd(2026, 12, 25)), None);
    let short = told(|it| {
        it.not_before = rcgen::date_time_ymd(2026, 9, 20);
        it.not_after = rcgen::date_time_ymd(2026, 9, 27);
    });
    assert_eq!(short, None, "a certificate for a week has a third of it left");
}
