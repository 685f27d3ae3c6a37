//! What the page is made of beside its text: a style, a module, a sign. Embedded; each under a name that has its digest in it, so that a browser may
//! keep it for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::core::crypto;

/// One of them.
pub struct Asset {
    /// Below `/assets/`.
    pub name: String,
    media_type: &'static str,
    octets: &'static [u8],
}

/// All there are.
pub struct Assets {
    pub style: Asset,
    pub module: Asset,
    pub sign: Asset,
}

pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("antin", "css", "text/css; charset=utf-8", include_bytes!("assets/antin.css")),
    module: Asset::new("antin", "js", "text/javascript; charset=utf-8", include_bytes!("assets/antin.js")),
    sign: Asset::new("sign", "svg", "image/svg+xml", include_bytes!("assets/sign.svg")),
});

impl Asset {
    fn new(stem: &str, ending: &str, media_type: &'static str, octets: &'static [u8]) -> Self {
        let digest = hex::encode(&crypto::sha256(octets)[..8]);
        Self { name: format!("{stem}-{digest}.{ending}"), media_type, octets }
    }

    /// Its address.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// One by its name; the name chooses among three and never becomes part of a path.
pub async fn asset(Path(name): Path<String>) -> Response {
    let all = [&ASSETS.style, &ASSETS.module, &ASSETS.sign];
    match all.into_iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.octets).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
