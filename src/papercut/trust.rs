//! Whom to trust over HTTPS: the system's authorities, an own file of them, or one certificate by its fingerprint.
//!
//! There is no way to switch the check off: PaperCut's factory certificate is signed by itself, and is pinned.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

/// SHA-256 of a certificate.
///
/// ```
/// use papertally::papercut::CertificateSha256;
/// let text = "AB:".repeat(31) + "cd";
/// assert_eq!(CertificateSha256::parse(&text).unwrap().to_string(), "AB:".repeat(31) + "CD");
/// assert!(CertificateSha256::parse("AB:CD").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateSha256([u8; 32]);

impl CertificateSha256 {
    /// Reads 64 hexadecimal digits, with `:` or blanks between the bytes or without.
    pub fn parse(text: &str) -> Option<CertificateSha256> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b':' | b' ')).collect();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(CertificateSha256(bytes))
    }

    fn of(certificate: &CertificateDer<'_>) -> CertificateSha256 {
        CertificateSha256(Sha256::digest(certificate).into())
    }
}

impl std::fmt::Display for CertificateSha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        f.write_str(&bytes.join(":"))
    }
}

/// Whom to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that the system trusts.
    System,
    /// Those, and the certificates of a PEM file.
    Authorities(Vec<u8>),
    /// One certificate, whatever its name, issuer and dates.
    Pinned(CertificateSha256),
}

/// Why TLS cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file holds no certificate.
    #[error("found no certificate in PEM form, expected at least one `BEGIN CERTIFICATE`")]
    NoCertificate,
    /// The library refuses to begin.
    #[error("TLS cannot be prepared")]
    Prepare(#[source] Error),
}

/// The client side of TLS.
pub(super) fn client(trust: &Trust) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Prepare)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let known = match trust {
        Trust::System => return Ok(builder.with_root_certificates(roots).with_no_client_auth()),
        Trust::Pinned(pinned) => Known::Pinned(*pinned),
        Trust::Authorities(pem) => {
            let named: Vec<_> = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
            if named.is_empty() {
                return Err(TrustError::NoCertificate);
            }
            roots.add_parsable_certificates(named.iter().cloned());
            let web =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
            let web = web.map_err(|error| TrustError::Prepare(Error::General(error.to_string())))?;
            Known::Named { named, web }
        }
    };
    let verifier = Arc::new(Verifier { known, provider });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Which certificates are taken. That the server holds the key of its certificate is checked for all of them.
#[derive(Debug)]
struct Verifier {
    known: Known,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Known {
    /// The one.
    Pinned(CertificateSha256),
    /// What the authorities vouch for, and the very certificates of the file: a server's self-signed one is no
    /// authority.
    Named { named: Vec<CertificateDer<'static>>, web: Arc<WebPkiServerVerifier> },
}

/// Says which certificate was found instead of the pinned one.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotPinned(pub(super) String);

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.known {
            Known::Pinned(pinned) if CertificateSha256::of(end_entity) == *pinned => {
                Ok(ServerCertVerified::assertion())
            }
            Known::Pinned(_) => {
                let found = NotPinned(CertificateSha256::of(end_entity).to_string());
                Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(found)))))
            }
            Known::Named { named, .. } if named.contains(&end_entity.clone().into_owned()) => {
                Ok(ServerCertVerified::assertion())
            }
            Known::Named { web, .. } => {
                web.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
