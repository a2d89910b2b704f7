//! The OpenAPI document.

use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::openapi::openapi_json;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(openapi_document);
}

/// This document
#[utoipa::path(tag = "health", responses((status = 200, description = "OpenAPI 3.1")), security(()))]
#[get("/openapi.json")]
pub(super) async fn openapi_document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi_json())
}
