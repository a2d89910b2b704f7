//! The file of a video: all of it, or as it grows while the video is made.

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use cluster::catalog::{Container, VideoFacts, VideoRow, VideoState};
use cluster::id::{ObjectId, VideoId};
use policy::Action;
use tokio::time::Instant;

use crate::audit::Shown;
use crate::auth::{Allowed, Download, OneVideo, Viewer};
use crate::content::{self, Content, Source};
use crate::dto;
use crate::follow::{Extent, Follow, Followed, Start};
use crate::problem::{Kind, Problem};
use crate::range::Tag;
use crate::report::{self, VIDEO_DOWNLOAD_ENABLED};
use crate::state::ApiState;

/// What the file is called, and what is in it.
struct Named {
    media_type: &'static str,
    file_name: String,
}

impl Named {
    fn of(row: &VideoRow) -> Self {
        let (media_type, ending) = match row.settings.container {
            Container::Mp4 | Container::FragmentedMp4 => ("video/mp4", "mp4"),
            Container::Webm => ("video/webm", "webm"),
        };
        Self { media_type, file_name: format!("session-{}.{ending}", row.recording) }
    }
}

/// Answers with the file to who may have it.
pub(crate) async fn answer(
    state: Data<ApiState>,
    request: HttpRequest,
    allowed: Allowed<Download, OneVideo>,
) -> Result<HttpResponse, Problem> {
    check(&state, &allowed)?;
    let id = allowed.target.id;
    match stored(&state, id)? {
        Stored::Whole(facts) => whole(&state, &request, &allowed, facts).await,
        Stored::Part(object) => growing(state, request, allowed, object).await,
        Stored::Nothing => {
            let detail = format_args!("look at /v1/videos/{id} for its state");
            Err(Problem::new(Kind::VideoNotReady, detail))
        }
    }
}

/// What of a video can be sent.
enum Stored {
    Whole(VideoFacts),
    /// What is made of it so far is here.
    Part(ObjectId),
    Nothing,
}

fn stored(state: &ApiState, id: VideoId) -> Result<Stored, Problem> {
    let catalog = state.cluster.catalog()?;
    // Asked first: how one has ended that is no more being made, its row says.
    if let Some(object) = catalog.video_begun(id)? {
        return Ok(Stored::Part(object));
    }
    Ok(match catalog.video(id)?.map(|row| row.state) {
        Some(VideoState::Ready(facts)) => Stored::Whole(facts),
        Some(
            VideoState::Pending | VideoState::Failed { .. } | VideoState::Cancelled | VideoState::Purged,
        )
        | None => Stored::Nothing,
    })
}

/// Refuses those who may not have what is in it, and all while no videos are given away.
fn check(state: &ApiState, allowed: &Allowed<Download, OneVideo>) -> Result<(), Problem> {
    if allowed.target.row.settings.keystrokes {
        allowed.also(Action::Keystrokes)?;
    }
    match report::is_download_enabled(state)? {
        true => Ok(()),
        false => Err(Problem::parameter_off(VIDEO_DOWNLOAD_ENABLED)),
    }
}

fn viewer(allowed: &Allowed<Download, OneVideo>) -> Viewer {
    allowed.viewer(Action::Download, Shown::Video)
}

async fn whole(
    state: &ApiState,
    request: &HttpRequest,
    allowed: &Allowed<Download, OneVideo>,
    facts: VideoFacts,
) -> Result<HttpResponse, Problem> {
    let VideoFacts { object, length, content_hash, .. } = facts;
    let Named { media_type, file_name } = Named::of(&allowed.target.row);
    let (source, tag) = (Source::Object(object), Some(Tag(dto::hex(&content_hash.0))));
    let content = Content { source, length, tag, media_type, file_name };
    content::answer(state, request, content, &viewer(allowed)).await
}

/// The whole from its first byte on, whatever the request says of ranges and tags: nobody knows yet how long it will be.
async fn growing(
    state: Data<ApiState>,
    request: HttpRequest,
    allowed: Allowed<Download, OneVideo>,
    object: ObjectId,
) -> Result<HttpResponse, Problem> {
    let Named { media_type, file_name } = Named::of(&allowed.target.row);
    let start = Start { position: 0, front: None, judged: Instant::now() };
    let follow = Follow::begin(state, request, GrowingVideo { allowed, object }, start).await?;
    let mut response = HttpResponse::Ok();
    response.content_type(media_type);
    response.insert_header((ACCEPT_RANGES, "none"));
    response.insert_header((CONTENT_DISPOSITION, content::attachment(&file_name)));
    Ok(response.streaming(follow.pieces()))
}

/// A video that is being made, and who plays it.
struct GrowingVideo {
    allowed: Allowed<Download, OneVideo>,
    object: ObjectId,
}

impl Followed for GrowingVideo {
    async fn judge(&mut self, state: &ApiState, request: &HttpRequest) -> Result<(), Problem> {
        let allowed = Allowed::from_request(request, &mut Payload::None).await?;
        check(state, &allowed)?;
        self.allowed = allowed;
        Ok(())
    }

    async fn extent(&self, state: &ApiState) -> Result<Extent, Problem> {
        match stored(state, self.allowed.target.id)? {
            Stored::Part(object) if object == self.object => {
                Ok(Extent { length: state.cluster.length(object).await?, is_final: false })
            }
            Stored::Whole(facts) if facts.object == self.object => {
                Ok(Extent { length: facts.length, is_final: true })
            }
            Stored::Part(_) | Stored::Whole(_) | Stored::Nothing => {
                Err(Problem::new(Kind::VideoNotReady, "what was sent will not become the video"))
            }
        }
    }

    fn source(&self) -> Source {
        Source::Object(self.object)
    }

    fn viewer(&self) -> Viewer {
        viewer(&self.allowed)
    }
}
