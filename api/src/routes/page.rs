//! The page: three files in the binary, no build step.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

/// Where the page and its files are.
pub(crate) const PATHS: [&str; 3] = ["/", "/app.js", "/style.css"];
/// Scripts and styles from here alone and none inline; videos and pictures from here and from what the script fetched.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                   img-src 'self' blob: data:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; \
                   frame-ancestors 'none'";

pub(crate) fn routes(config: &mut ServiceConfig) {
    let files = [
        ("text/html; charset=utf-8", include_str!("../web/index.html")),
        ("text/javascript; charset=utf-8", include_str!("../web/app.js")),
        ("text/css; charset=utf-8", include_str!("../web/style.css")),
    ];
    for (path, (media_type, text)) in PATHS.into_iter().zip(files) {
        config.route(path, web::get().to(move || file(media_type, text)));
    }
}

async fn file(media_type: &'static str, text: &'static str) -> impl Responder {
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_SECURITY_POLICY, CSP))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(text)
}
