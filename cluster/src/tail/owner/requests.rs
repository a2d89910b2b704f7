//! What callers want of an object, and what they are told.

use super::super::effect::{Answer, Request, RequestNumber, Told};
use super::super::turn::Turn;
use super::{Owner, Ticket, Waiting, WaitingKind, Wish, WishKind};
use crate::chunk::disk_size;

impl Owner {
    /// A caller wants something.
    pub(crate) fn ask(&mut self, number: RequestNumber, request: Request, turn: &mut Turn<'_>) {
        self.used_ms = turn.now_ms;
        match request {
            Request::Append { offset, bytes } if !bytes.0.is_empty() => {
                self.append(number, offset, &bytes.0, turn)
            }
            Request::Append { .. } | Request::DurableOffset => self.confirm(number, WaitingKind::Plain, turn),
            Request::Interrupt => self.wish(number, WishKind::Interrupt, turn),
            Request::Seal => self.wish(number, WishKind::Seal { manifest: None }, turn),
        }
        self.step(turn);
    }

    fn append(&mut self, number: RequestNumber, offset: u64, bytes: &[u8], turn: &mut Turn<'_>) {
        let Some(behind) = offset.checked_sub(self.durable_offset) else {
            return self.confirm(number, WaitingKind::Behind, turn);
        };
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        let Some(held) = self.bytes.get(behind..) else {
            return self.confirm(number, WaitingKind::Gap, turn);
        };
        let compared = held.len().min(bytes.len());
        if held.get(..compared) != bytes.get(..compared) {
            return turn.answer(number, Answer::Conflict);
        }
        let fresh = bytes.get(compared..).unwrap_or_default();
        if matches!(&self.wish, Some(Wish { kind: WishKind::Seal { .. }, .. })) {
            return turn.answer(number, Answer::Unknown);
        }
        if self.bytes.len() + fresh.len() > turn.around.options.in_flight_bytes {
            return turn.answer(number, Answer::Busy);
        }
        self.bytes.extend_from_slice(fresh);
        if !self.bytes.is_empty() {
            self.waiting_ms.get_or_insert(turn.now_ms);
        }
        let end = offset.saturating_add(disk_size(bytes.len()));
        self.waiting.push(Waiting { request: number, end, confirming: None, kind: WaitingKind::Plain });
        if let Some(stream) = self.stream() {
            stream.try_again(turn);
        }
    }

    /// Answers with the durable offset once this process is known to be the owner.
    fn confirm(&mut self, request: RequestNumber, kind: WaitingKind, turn: &mut Turn<'_>) {
        let confirming = Some(turn.read_index());
        self.waiting.push(Waiting { request, end: self.durable_offset, confirming, kind });
    }

    /// All that was committed before the ticket is applied here, and this process is the owner still.
    pub(super) fn confirmed(&mut self, ticket: Ticket, told: &Told, turn: &mut Turn<'_>) {
        for waiting in &mut self.waiting {
            if waiting.confirming == Some(ticket) && *told == Told::Read {
                waiting.confirming = None;
            }
        }
        self.waiting.retain(|waiting| {
            let is_unknown = waiting.confirming == Some(ticket);
            if is_unknown {
                turn.answer(waiting.request, Answer::Unknown);
            }
            !is_unknown
        });
    }

    /// Nobody wants the object any more: it is sealed.
    pub(crate) fn seal_unasked(&mut self, turn: &mut Turn<'_>) {
        let kind = WishKind::Seal { manifest: None };
        self.wish.get_or_insert(Wish { kind, requests: Vec::new() });
        self.step(turn);
    }

    /// Two of a kind are one. What comes while the other is under way, which may have begun by itself, is asked again.
    fn wish(&mut self, number: RequestNumber, kind: WishKind, turn: &mut Turn<'_>) {
        match (&mut self.wish, kind) {
            (Some(Wish { kind: WishKind::Seal { .. }, requests }), WishKind::Seal { .. })
            | (Some(Wish { kind: WishKind::Interrupt, requests }), WishKind::Interrupt) => {
                requests.push(number)
            }
            (wish @ None, kind) => *wish = Some(Wish { kind, requests: vec![number] }),
            (Some(Wish { kind: WishKind::Seal { .. }, .. }), WishKind::Interrupt)
            | (Some(Wish { kind: WishKind::Interrupt, .. }), WishKind::Seal { .. }) => {
                turn.answer(number, Answer::Unknown);
            }
        }
    }

    pub(super) fn answer(&mut self, turn: &mut Turn<'_>) {
        if !self.is_confirmed {
            return;
        }
        let durable_offset = self.durable_offset;
        let is_done = |waiting: &Waiting| waiting.end <= durable_offset && waiting.confirming.is_none();
        let (done, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(is_done);
        self.waiting = waiting;
        for Waiting { request, kind, .. } in done {
            let answer = match kind {
                WaitingKind::Plain => Answer::Durable { offset: durable_offset },
                WaitingKind::Behind => Answer::Behind { durable_offset },
                WaitingKind::Gap => Answer::Gap { durable_offset },
            };
            turn.answer(request, answer);
        }
    }

    /// The disks do not go on: those that wait for them are told. The bytes stay, since they may be on some of them.
    pub(crate) fn refuse(&mut self, answer: &Answer, turn: &mut Turn<'_>) {
        let durable_offset = self.durable_offset;
        self.waiting.retain(|waiting| {
            let waits = waiting.end > durable_offset;
            if waits {
                turn.answer(waiting.request, answer.clone());
            }
            !waits
        });
        self.grant(answer.clone(), turn);
    }

    pub(crate) fn grant(&mut self, answer: Answer, turn: &mut Turn<'_>) {
        for request in self.wish.take().map(|wish| wish.requests).unwrap_or_default() {
            turn.answer(request, answer.clone());
        }
    }
}
