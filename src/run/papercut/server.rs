//! The way to a site's PaperCut server, as the configuration says.

use crate::config::{PapercutConfig, SiteConfig, TrustConfig};
use crate::papercut::{Server, Settings, Trust, WebServices};
use crate::run::books::Environment;
use crate::run::error::RunError;

/// The server of a site, where it has one. The token is read here; nothing is sent yet.
pub fn server(site: &SiteConfig, environment: Environment<'_>) -> Result<Option<Server>, RunError> {
    let Some(papercut) = &site.papercut else { return Ok(None) };
    let token = papercut.token.read(environment)?;
    let trust = |source| RunError::Trust { site: site.name.clone(), source };
    let settings =
        Settings { url: papercut.url.clone(), trust: trusted(papercut)?, timeout: papercut.timeout };
    Ok(Some(Server::new(WebServices::new(&settings).map_err(trust)?, token)))
}

fn trusted(papercut: &PapercutConfig) -> Result<Trust, RunError> {
    Ok(match &papercut.trust {
        TrustConfig::System => Trust::System,
        TrustConfig::Pinned(fingerprint) => Trust::Pinned(*fingerprint),
        TrustConfig::File(path) => Trust::Authorities(std::fs::read(path).map_err(|source| {
            RunError::CaFile { key: "site.papercut.ca_file", path: path.clone(), source }
        })?),
    })
}
