//! Errors as RFC 9457 problems. The only place that knows both our errors and HTTP's status codes.

mod convert;
mod kind;

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use policy::Action;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use kind::Kind;

use crate::control::DROPPED_MESSAGE;

/// The media type of a problem.
const CONTENT_TYPE: &str = "application/problem+json";

/// When to ask again for what the index of a recording tells.
const INDEX_S: u64 = 2;

/// A request that is answered with a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    extensions: Box<Extensions>,
}

/// What some problems say in fields of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
struct Extensions {
    /// The permission that the caller lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'static str>,
    /// The parameter that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// Up to where the recording is durable; the same as the header Upload-Offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_offset: Option<u64>,
    /// The byte of the recording that is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_offset: Option<u64>,
    /// The line of the recording that is refused, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_line: Option<u64>,
    /// When to ask again; the same as the header Retry-After.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    /// The methods of the route, for the header alone.
    #[serde(skip)]
    allow: Option<String>,
    /// The length of what has no such range, for the header alone.
    #[serde(skip)]
    content_range: Option<String>,
}

/// A problem as it is sent (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// What kind of problem it is; stable.
    #[serde(rename = "type")]
    kind: String,
    /// The kind for a person.
    title: &'static str,
    /// The answer's status.
    status: u16,
    /// What happened, for a person.
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(flatten)]
    extensions: &'a Extensions,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        Self { kind, detail, extensions: Box::default() }
    }

    /// What the caller may not see is not there, to the letter.
    pub(crate) fn not_found() -> Self {
        Self::new(Kind::NotFound, "there is nothing here that you may see")
    }

    pub(crate) fn forbidden(action: Action) -> Self {
        let mut problem = Self::new(Kind::Forbidden, format_args!("you lack the permission {action}"));
        problem.extensions.permission = Some(action.name());
        problem
    }

    /// Another person has to approve first.
    pub(crate) fn unapproved(action: Action) -> Self {
        let detail = "ask for an approval of this session; another person gives it";
        let mut problem = Self::new(Kind::ApprovalNeeded, detail);
        problem.extensions.permission = Some(action.name());
        problem
    }

    /// The caller would give, or take away, what they do not hold.
    pub(crate) fn grant_refused(permission: &str) -> Self {
        let detail = format_args!("expected a caller who holds {permission}");
        let mut problem = Self::new(Kind::GrantRefused, detail);
        problem.extensions.permission = permission.parse().ok().map(Action::name);
        problem
    }

    pub(crate) fn parameter_off(parameter: &str) -> Self {
        let detail = format_args!("parameter {parameter} is off; an administrator can switch it on");
        let mut problem = Self::new(Kind::VideoDownloadDisabled, detail);
        problem.extensions.parameter = Some(parameter.to_owned());
        problem
    }

    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let mut problem = Self::new(Kind::MethodNotAllowed, format_args!("expected one of {allow}"));
        problem.extensions.allow = Some(allow);
        problem
    }

    pub(crate) fn too_many_requests(retry_after_s: u64) -> Self {
        Self::new(Kind::TooManyRequests, "you ask more often than one caller may").retry_after(retry_after_s)
    }

    pub(crate) fn index_not_ready() -> Self {
        let detail = "a job reads the recording; what you ask for is there when it has ended";
        Self::new(Kind::IndexNotReady, detail).retry_after(INDEX_S)
    }

    /// What the recorder sent is kept; its user's input is to be held back.
    pub(crate) fn session_blocked() -> Self {
        Self::new(Kind::SessionBlocked, "hold back the user's input and go on recording")
    }

    pub(crate) fn session_dropped() -> Self {
        Self::new(Kind::SessionDropped, DROPPED_MESSAGE)
    }

    pub(crate) fn range_not_satisfiable(length: u64) -> Self {
        let detail = format_args!("expected a range that begins within {length} bytes");
        let mut problem = Self::new(Kind::RangeNotSatisfiable, detail);
        problem.extensions.content_range = Some(format!("bytes */{length}"));
        problem
    }

    /// The last part of its type.
    pub(crate) fn name(&self) -> &'static str {
        self.kind.name()
    }

    pub(crate) fn status(&self) -> u16 {
        self.kind.status().as_u16()
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn is_unauthenticated(&self) -> bool {
        self.kind == Kind::Unauthenticated
    }

    pub(crate) fn is_forbidden(&self) -> bool {
        self.kind == Kind::Forbidden || self.kind == Kind::ApprovalNeeded
    }

    /// Whether the same may be done in a moment.
    pub(crate) fn is_busy(&self) -> bool {
        self.kind == Kind::Busy || self.kind == Kind::NotReady
    }

    /// Says up to where the recording is durable.
    pub(crate) fn at(mut self, upload_offset: u64) -> Self {
        self.extensions.upload_offset = Some(upload_offset);
        self
    }

    fn retry_after(mut self, retry_after_s: u64) -> Self {
        self.extensions.retry_after_s = Some(retry_after_s);
        self
    }

    /// Where in the recording a line begins that was refused with its number in what was offered.
    pub(crate) fn refused_line_at(&self) -> Option<u64> {
        self.extensions.refused_line.and(self.extensions.refused_offset)
    }

    /// The same, if its line stands behind so many; about no line when that is not known.
    pub(crate) fn behind_lines(mut self, lines: Option<u64>) -> Self {
        let line = self.extensions.refused_line;
        self.extensions.refused_line = lines.zip(line).map(|(lines, line)| lines.saturating_add(line));
        self
    }

    fn add_headers(&self, response: &mut HttpResponseBuilder) {
        let extensions = &self.extensions;
        let numbers =
            [("upload-offset", extensions.upload_offset), ("retry-after", extensions.retry_after_s)];
        for (name, value) in numbers {
            if let Some(value) = value {
                response.insert_header((name, value.to_string()));
            }
        }
        // An answer to HEAD has no body that could say so.
        for (kind, session) in [(Kind::SessionBlocked, "blocked"), (Kind::SessionDropped, "dropped")] {
            if self.kind == kind {
                response.insert_header(("custody-session", session));
            }
        }
        if self.kind == Kind::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"custody\""));
        }
        if let Some(allow) = &extensions.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if let Some(content_range) = &extensions.content_range {
            response.insert_header((header::CONTENT_RANGE, content_range.as_str()));
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.title(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        self.add_headers(&mut response);
        let body = Body {
            kind: self.kind.uri(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            extensions: &self.extensions,
        };
        response.content_type(CONTENT_TYPE).body(serde_json::to_string(&body).unwrap_or_default())
    }
}
