//! What stands at which address.

use std::sync::Arc;

use actix_web::web::{Data, PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::service_config::ServiceConfig as Documented;

use crate::openapi;
use crate::problem::{Kind, Problem};
use crate::routes;
use crate::state::ApiState;

/// The API and the page.
pub(crate) fn api(state: Arc<ApiState>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        limits(config, state);
        config.default_service(web::to(fallback));
        // The other addresses of this form name sessions, which GET shows.
        config.route("/v1/sessions/admission", web::get().to(fallback));
        documented(&mut Documented::new(config));
        config.configure(routes::page::routes);
    }
}

/// Metrics and health, for the machine itself.
pub(crate) fn beside(state: Arc<ApiState>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        limits(config, state);
        config
            .service(routes::health::livez)
            .service(routes::health::readyz)
            .service(routes::health::metrics);
    }
}

/// Every route that the OpenAPI document lists.
pub(crate) fn documented(config: &mut Documented<'_>) {
    config
        .configure(routes::session::routes)
        .configure(routes::recording::routes)
        .configure(routes::sound::routes)
        .configure(routes::live::routes)
        .configure(routes::frame::routes)
        .configure(routes::timeline::routes)
        .configure(routes::keystrokes::routes)
        .configure(routes::text::routes)
        .configure(routes::log::routes)
        .configure(routes::evidence::routes)
        .configure(routes::video::routes)
        .configure(routes::conversion::routes)
        .configure(routes::asciinema::routes)
        .configure(routes::access::routes)
        .configure(routes::comment::routes)
        .configure(routes::control::routes)
        .configure(routes::approval::routes)
        .configure(routes::hold::routes)
        .configure(routes::purge::routes)
        .configure(routes::retention::routes)
        .configure(routes::parameter::routes)
        .configure(routes::token::routes)
        .configure(routes::user::routes)
        .configure(routes::login::routes)
        .configure(routes::role::routes)
        .configure(routes::whoami::routes)
        .configure(routes::audit::routes)
        .configure(routes::outbox::routes)
        .configure(routes::join_token::routes)
        .configure(routes::member::routes)
        .configure(routes::layout::routes)
        .configure(routes::worker::routes)
        .configure(routes::replication::routes)
        .configure(routes::clock::routes)
        .configure(routes::kek::routes)
        .configure(routes::health::routes)
        .configure(routes::openapi::routes);
}

fn limits(config: &mut ServiceConfig, state: Arc<ApiState>) {
    let json_bytes_max = state.limits.json_bytes_max;
    config
        .app_data(QueryConfig::default().error_handler(|error, _| Problem::from(error).into()))
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .app_data(PayloadConfig::new(json_bytes_max))
        .app_data(Data::from(state));
}

/// Nothing answers this method at this address.
async fn fallback(request: HttpRequest) -> Result<HttpResponse, Problem> {
    match openapi::methods_at(request.path()) {
        Some(allow) => Err(Problem::method_not_allowed(allow)),
        None => nothing().await,
    }
}

async fn nothing() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Kind::NotFound, "no route has this address"))
}
