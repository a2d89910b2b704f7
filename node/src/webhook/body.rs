//! What a message says.

use crate::utc;
use cluster::catalog::{MailKind, MailRow, WebhookEvent};
use serde::Serialize;

/// A message.
#[derive(Debug, Serialize)]
pub(super) struct Body {
    #[serde(rename = "type")]
    event: &'static str,
    timestamp: String,
    data: Data,
}

/// What it is about.
#[derive(Debug, Serialize)]
struct Data {
    session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'static str>,
    /// The page that shows it, to whom may see it.
    url: String,
}

impl Body {
    /// What a row of the outbox tells; nothing when it is a mail. `public_url` is what links begin with.
    pub(super) fn of(row: &MailRow, public_url: &str) -> Option<Self> {
        let event = match row.kind {
            MailKind::Webhook(event) => event,
            MailKind::VideoReady { .. } => return None,
        };
        let (event, video, end, failure) = match event {
            WebhookEvent::VideoReady { video } => ("video.ready", Some(video), None, None),
            WebhookEvent::SessionEnded { end } => ("session.ended", None, Some(end.as_str()), None),
            WebhookEvent::ConversionFailed { video, failure } => {
                ("conversion.failed", Some(video), None, Some(failure.as_str()))
            }
        };
        let session = row.recording.to_string();
        let page = video.map(|video| format!("/videos/{video}")).unwrap_or_default();
        let url = format!("{public_url}/#/sessions/{session}{page}");
        let video = video.map(|video| video.to_string());
        let data = Data { session, video, end, failure, url };
        Some(Self { event, timestamp: utc::rfc3339(row.created_ms), data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::catalog::{End, FailureKind, MailState};
    use cluster::id::{RecordingId, VideoId};
    use serde_json::json;

    #[test]
    fn a_message_names_what_happened_and_where_to_see_it() {
        let (session, video) = (RecordingId([1; 16]), VideoId([2; 16]));
        let told = |kind| {
            let row = MailRow {
                kind,
                recording: session,
                address: String::new(),
                state: MailState::Pending { next_ms: 0 },
                attempts: 0,
                error: String::new(),
                created_ms: 1_795_318_169_000,
            };
            Body::of(&row, "https://custody.example.org").map(|body| serde_json::to_value(body).unwrap())
        };
        let timestamp = "2026-11-22T03:29:29Z";
        let page = format!("https://custody.example.org/#/sessions/{session}");
        let (session, name) = (session.to_string(), video.to_string());
        let url = format!("{page}/videos/{video}");
        assert_eq!(
            told(MailKind::Webhook(WebhookEvent::VideoReady { video })),
            Some(json!({ "type": "video.ready", "timestamp": timestamp,
                "data": { "session": session, "video": name, "url": url } }))
        );
        assert_eq!(
            told(MailKind::Webhook(WebhookEvent::SessionEnded { end: End::Dropped })),
            Some(json!({ "type": "session.ended", "timestamp": timestamp,
                "data": { "session": session, "end": "dropped", "url": page } }))
        );
        let failure = FailureKind::MemoryBudget;
        assert_eq!(
            told(MailKind::Webhook(WebhookEvent::ConversionFailed { video, failure })),
            Some(json!({ "type": "conversion.failed", "timestamp": timestamp,
                "data": { "session": session, "video": name, "failure": "memory-budget", "url": url } }))
        );
        assert_eq!(told(MailKind::VideoReady { video }), None);
    }
}
