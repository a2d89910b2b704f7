//! Threads that decode images before they are drawn.

use super::allowance::Allowance;
use super::image;
use super::surface::Surface;
use crate::cost::Cost;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The most that an image may cost here: what is dearer is decoded when it is certain that it is drawn.
const IMAGE_COST_MAX_MS: u64 = 500;

/// Threads that decode images ahead of who draws them. They end when this is dropped.
///
/// What they decode they hold until it is drawn, within a bound of memory; an image for which there is no room, or no
/// time before it is needed, is decoded by who draws it.
#[derive(Debug)]
pub struct Decoders {
    shared: Arc<Shared>,
}

/// The coded bytes of an image, and what they show.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(super) coded: Vec<u8>,
    pub(super) surface: Surface,
}

/// An image that was handed to the threads.
#[derive(Debug)]
pub(super) struct Handed {
    state: Mutex<State>,
    /// It is running no more.
    done: Condvar,
}

#[derive(Debug)]
enum State {
    Queued(Vec<u8>),
    Running,
    Done(Decoded),
    /// It cannot be decoded here, or nobody wants it.
    Left,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// An image was queued, or there will be no more.
    changed: Condvar,
    /// Memory that one thread and its share of the waiting images may take.
    bytes_each: usize,
}

#[derive(Debug, Default)]
struct Queue {
    images: VecDeque<Arc<Handed>>,
    /// Memory of the decoded images that wait.
    held_bytes: usize,
    is_over: bool,
}

impl Decoders {
    /// Starts so many threads, which together take `bytes` of memory at most beside the coded images.
    pub fn start(threads: usize, bytes: usize) -> Self {
        let bytes_each = bytes / threads.max(1);
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new(), bytes_each });
        for _ in 0..threads {
            let shared = Arc::clone(&shared);
            // Without it, images wait until they are drawn.
            _ = std::thread::Builder::new().name("images".to_owned()).spawn(move || shared.work());
        }
        Self { shared }
    }

    /// Hands over an image.
    pub(super) fn hand(&self, coded: Vec<u8>) -> Arc<Handed> {
        let image = Arc::new(Handed { state: Mutex::new(State::Queued(coded)), done: Condvar::new() });
        lock(&self.shared.queue).images.push_back(Arc::clone(&image));
        self.shared.changed.notify_one();
        image
    }

    /// Memory of the decoded images that wait.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        lock(&self.shared.queue).held_bytes
    }

    /// Takes an image back, and waits for it if it is being decoded. `None` if it is not decoded.
    pub(super) fn take(&self, image: &Handed) -> Option<Decoded> {
        let mut state = lock(&image.state);
        loop {
            match std::mem::replace(&mut *state, State::Left) {
                State::Queued(_) | State::Left => return None,
                State::Running => {
                    *state = State::Running;
                    state = image.done.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                State::Done(decoded) => {
                    lock(&self.shared.queue).held_bytes -= decoded.surface.bytes();
                    return Some(decoded);
                }
            }
        }
    }
}

#[cfg(test)]
impl Handed {
    /// Whether it waits no more to be decoded.
    pub(super) fn is_done(&self) -> bool {
        matches!(&*lock(&self.state), State::Done(_) | State::Left)
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared.queue);
        queue.is_over = true;
        queue.images.clear();
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// What each thread does until there are no more images.
    fn work(&self) {
        while let Some(image) = self.next() {
            let coded = {
                let mut state = lock(&image.state);
                match std::mem::replace(&mut *state, State::Left) {
                    State::Queued(coded) => {
                        *state = State::Running;
                        coded
                    }
                    State::Running | State::Done(_) | State::Left => continue,
                }
            };
            let decoded = self.decode(coded);
            *lock(&image.state) = decoded.map_or(State::Left, State::Done);
            image.done.notify_all();
        }
    }

    fn next(&self) -> Option<Arc<Handed>> {
        let mut queue = lock(&self.queue);
        loop {
            if queue.is_over {
                return None;
            }
            if let Some(image) = queue.images.pop_front() {
                return Some(image);
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What is refused here is left to who draws it: the limits are known there.
    fn decode(&self, coded: Vec<u8>) -> Option<Decoded> {
        let held_bytes = lock(&self.queue).held_bytes;
        let mut allowance = Allowance {
            limit_pixels: usize::MAX,
            free_bytes: self.bytes_each.saturating_sub(held_bytes),
            cost: &mut Cost::default(),
            cost_max: Cost::of_ms(IMAGE_COST_MAX_MS),
            decoded: None,
        };
        let surface = image::decode(&coded, &mut allowance).ok()?;
        lock(&self.queue).held_bytes += surface.bytes();
        Some(Decoded { coded, surface })
    }
}

/// Whoever held it, nothing was left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
