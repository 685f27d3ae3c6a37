//! One token: a bounded number of sessions, each on a thread of its own, which take orders in turn.
//!
//! A call into a hung device cannot be ended. It then holds its thread and session and no other; who ordered stops waiting. An order that no
//! thread has begun is taken back, so that it is known what was signed.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

use super::fault::{TokenFault, is_lost_key, is_stale, returned, words};
use super::module::{Module, TokenName, held};
use super::object::{KeyObject, SignFault};
use super::pin::PinSource;
use crate::core::algorithm::DigestAlgorithm;
use crate::signing::key::KeyFault;

/// Sessions opened anew for one order, before the key is asked.
const REOPENINGS: u32 = 2;
const REOPENING_PAUSE: Duration = Duration::from_millis(50);
/// How long a token that failed is left alone: at first, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long a thread waits that found no session free, while others have one.
const SESSION_PAUSE: Duration = Duration::from_secs(10);

/// What the settings say of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    pub name: String,
    /// The PKCS#11 library.
    pub module: PathBuf,
    pub token: TokenName,
    pub pin: PinSource,
    /// At most so many at one time.
    pub sessions: usize,
    /// How long an order waits for its answer.
    pub timeout: Duration,
}

/// A token; its threads end with it.
pub struct Token {
    shared: Arc<Shared>,
}

struct Shared {
    settings: TokenSettings,
    module: Arc<Module>,
    queue: Mutex<Queue>,
    arrived: Condvar,
    state: Mutex<State>,
    /// One session is opened at a time: a token that is away is not asked by all threads at once.
    opening: Mutex<()>,
}

#[derive(Default)]
struct Queue {
    orders: VecDeque<Order>,
    closed: bool,
}

#[derive(Default)]
struct State {
    /// Sessions held.
    open: usize,
    /// Threads whose order nobody waits for any more.
    hung: usize,
    /// Since when, how long and why it is left alone.
    rest: Option<(Instant, Duration, String)>,
}

/// What is wanted of a key: a signature over content with this digest, or only that it is shown to be there.
struct Order {
    key: Arc<KeyObject>,
    digest: Option<(DigestAlgorithm, Vec<u8>)>,
    progress: Arc<Progress>,
    answer: SyncSender<Result<Vec<u8>, KeyFault>>,
}

/// How far an order is; each step is taken once, by the thread or by who waits.
#[derive(Default)]
struct Progress(AtomicU8);

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const ASKED: u8 = 2;
const TAKEN_BACK: u8 = 3;
/// Who waited has gone, and does not know whether it was signed.
const LEFT: u8 = 4;
const DONE: u8 = 5;

impl Progress {
    fn step(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// Those that somebody holds.
static TOKENS: Mutex<Vec<Weak<Token>>> = Mutex::new(Vec::new());

impl Token {
    /// The one with these settings, with its sessions and what it remembers, if somebody holds it; else a new one.
    pub fn of(settings: &TokenSettings) -> std::io::Result<Arc<Self>> {
        let mut tokens = held(&TOKENS);
        tokens.retain(|token| token.strong_count() > 0);
        if let Some(token) = tokens.iter().filter_map(Weak::upgrade).find(|token| token.shared.settings == *settings) {
            return Ok(token);
        }
        let token = Arc::new(Self::new(settings.clone())?);
        tokens.push(Arc::downgrade(&token));
        Ok(token)
    }

    /// Nothing is asked of the token yet.
    fn new(settings: TokenSettings) -> std::io::Result<Self> {
        let module = Module::of(&settings.module);
        let shared = Arc::new(Shared {
            settings,
            module,
            queue: Mutex::default(),
            arrived: Condvar::new(),
            state: Mutex::default(),
            opening: Mutex::default(),
        });
        let token = Self { shared };
        for _ in 0..token.shared.settings.sessions {
            let shared = Arc::clone(&token.shared);
            std::thread::Builder::new().name("token".to_owned()).spawn(move || Turn::new(shared).run())?;
        }
        Ok(token)
    }

    /// A signature over content with this digest; without one, nothing but the proof that the key is there.
    pub(super) fn ask(
        &self,
        key: &Arc<KeyObject>,
        digest: Option<(DigestAlgorithm, Vec<u8>)>,
    ) -> Result<Vec<u8>, KeyFault> {
        let shared = &*self.shared;
        shared.admit()?;
        let progress = Arc::new(Progress::default());
        let (answer, answered) = sync_channel(1);
        let order = Order { key: Arc::clone(key), digest, progress: Arc::clone(&progress), answer };
        held(&shared.queue).orders.push_back(order);
        shared.arrived.notify_one();
        let timeout = shared.settings.timeout;
        let lost = || KeyFault::Unanswered(TokenFault::WhileSigning("its thread ended".to_owned()));
        match answered.recv_timeout(timeout) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Disconnected) => return Err(lost()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if progress.step(WAITING, TAKEN_BACK) {
            held(&shared.queue).orders.retain(|order| !Arc::ptr_eq(&order.progress, &progress));
            return Err(KeyFault::NotAsked(TokenFault::Busy(timeout)));
        }
        let mut state = held(&shared.state);
        // It opens a session or looks for the key; it sees that the order was taken back before it signs.
        if progress.step(BEGUN, TAKEN_BACK) {
            state.hung += 1;
            return Err(KeyFault::NotAsked(TokenFault::Slow(timeout)));
        }
        if progress.step(ASKED, LEFT) {
            state.hung += 1;
            metrics::counter!("antin_token_unanswered_total").increment(1);
            return Err(KeyFault::Unanswered(TokenFault::NoAnswer(timeout)));
        }
        drop(state);
        // The answer came in between.
        answered.recv().unwrap_or_else(|_| Err(lost()))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        held(&self.shared.queue).closed = true;
        self.shared.arrived.notify_all();
    }
}

impl Shared {
    /// Not while all threads hang, and not while the token rests.
    fn admit(&self) -> Result<(), KeyFault> {
        let state = held(&self.state);
        if state.hung >= self.settings.sessions {
            return Err(KeyFault::NotAsked(TokenFault::Hung));
        }
        drop(state);
        self.rested().map_err(KeyFault::NotAsked)
    }

    fn rested(&self) -> Result<(), TokenFault> {
        match &held(&self.state).rest {
            Some((since, pause, reason)) if since.elapsed() < *pause => {
                let left = pause.saturating_sub(since.elapsed());
                Err(TokenFault::Resting { reason: reason.clone(), left })
            }
            _ => Ok(()),
        }
    }

    /// Leaves the token alone, each time in a row for twice as long.
    fn rest(&self, fault: &TokenFault) {
        let mut state = held(&self.state);
        let pause = match &state.rest {
            Some((.., pause, _)) => (*pause * 2).min(REST.1),
            None => REST.0,
        };
        let token = &self.settings.name;
        tracing::warn!(token, %fault, pause_seconds = pause.as_secs(), "a token cannot be used");
        state.rest = Some((Instant::now(), pause, fault.to_string()));
    }

    /// Opens a session, and counts it.
    fn open(&self) -> Result<Session, TokenFault> {
        let _one = held(&self.opening);
        self.rested()?;
        let opened = self.module.open(&self.settings.token, &self.settings.pin);
        match &opened {
            Ok(_) => {
                let mut state = held(&self.state);
                state.open += 1;
                if state.rest.take().is_some() {
                    let token = &self.settings.name;
                    tracing::info!(token, "a token can be used again");
                }
            }
            Err(TokenFault::NoSession) if held(&self.state).open > 0 => {}
            Err(fault) => self.rest(fault),
        }
        opened
    }
}

/// A thread with at most one session.
struct Turn {
    shared: Arc<Shared>,
    session: Option<Session>,
    /// The renewals of the library before the session was opened.
    renewals: u64,
    /// Handles of keys that were found and proved in this session, by their address.
    keys: HashMap<usize, (Arc<KeyObject>, ObjectHandle)>,
}

impl Turn {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, session: None, renewals: 0, keys: HashMap::new() }
    }

    fn run(mut self) {
        while let Some(order) = self.next() {
            if let Err(pause) = self.serve(order) {
                std::thread::sleep(pause);
            }
        }
    }

    fn next(&self) -> Option<Order> {
        let mut queue = held(&self.shared.queue);
        loop {
            if queue.closed {
                return None;
            }
            if let Some(order) = queue.orders.pop_front() {
                return Some(order);
            }
            queue = self.shared.arrived.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Err: the token has no session for this thread, but for others; the order went back, and this thread waits for so long.
    fn serve(&mut self, order: Order) -> Result<(), Duration> {
        if !order.progress.step(WAITING, BEGUN) {
            return Ok(());
        }
        let module = Arc::clone(&self.shared.module);
        let entered = module.entered();
        if self.renewals != *entered {
            self.forget();
            self.renewals = *entered;
        }
        let answer = match self.ensure_session() {
            Ok(()) => self.answer(&order),
            Err(TokenFault::NoSession) if held(&self.shared.state).open > 0 => {
                if order.progress.step(BEGUN, WAITING) {
                    held(&self.shared.queue).orders.push_front(order);
                    self.shared.arrived.notify_one();
                    return Err(SESSION_PAUSE);
                }
                Err(KeyFault::NotAsked(TokenFault::NoSession))
            }
            Err(fault) => Err(KeyFault::NotAsked(fault)),
        };
        drop(entered);
        let is_missed = |fault: &TokenFault| {
            matches!(fault, TokenFault::Absent { .. } | TokenFault::Device(_) | TokenFault::NoKey(_))
        };
        if matches!(&answer, Err(KeyFault::NotAsked(fault)) if is_missed(fault)) {
            module.renew();
        }
        let mut state = held(&self.shared.state);
        if matches!(order.progress.0.swap(DONE, Ordering::SeqCst), TAKEN_BACK | LEFT) {
            // Nobody waits any more; this thread does not hang after all.
            state.hung = state.hung.saturating_sub(1);
        }
        drop(state);
        // There is room for one answer.
        let _ = order.answer.try_send(answer);
        Ok(())
    }

    fn ensure_session(&mut self) -> Result<(), TokenFault> {
        if self.session.is_none() {
            self.session = Some(self.shared.open()?);
        }
        Ok(())
    }

    fn answer(&mut self, order: &Order) -> Result<Vec<u8>, KeyFault> {
        let mut reopened = 0;
        loop {
            let stale = match self.attempt(order) {
                Ok(signature) => return Ok(signature),
                Err(SignFault::Unfit(fault)) => return Err(KeyFault::NotAsked(fault)),
                Err(SignFault::Garbled) => {
                    return Err(KeyFault::Unanswered(TokenFault::WhileSigning("it gave no signature".to_owned())));
                }
                Err(SignFault::During(error)) => {
                    // Whatever it was, this session is not relied on again.
                    self.close();
                    return Err(KeyFault::Unanswered(TokenFault::WhileSigning(words(&error))));
                }
                Err(SignFault::Before(error)) => error,
            };
            let fault = TokenFault::Device(words(&stale));
            let is_lost = returned(&stale).is_some_and(is_lost_key);
            if is_lost {
                self.keys.remove(&address(&order.key));
            }
            if reopened >= REOPENINGS || !(is_lost || returned(&stale).is_some_and(is_stale)) {
                self.close();
                if !is_lost {
                    self.shared.rest(&fault);
                }
                return Err(KeyFault::NotAsked(fault));
            }
            reopened += 1;
            if is_lost {
                continue;
            }
            self.close();
            std::thread::sleep(REOPENING_PAUSE);
            self.ensure_session().map_err(KeyFault::NotAsked)?;
        }
    }

    fn attempt(&mut self, order: &Order) -> Result<Vec<u8>, SignFault> {
        let Some(session) = &self.session else { return Err(SignFault::Unfit(TokenFault::NoSession)) };
        let handle = match self.keys.get(&address(&order.key)) {
            Some((_, handle)) if order.digest.is_some() => *handle,
            _ => {
                let handle = order.key.find(session).map_err(SignFault::Before)?.map_err(SignFault::Unfit)?;
                // Of a challenge it does not matter whether it was signed.
                order.key.prove(session, handle).map_err(|fault| match fault {
                    SignFault::During(error) => SignFault::Before(error),
                    fault => fault,
                })?;
                self.keys.insert(address(&order.key), (Arc::clone(&order.key), handle));
                handle
            }
        };
        let Some((digest, value)) = &order.digest else { return Ok(Vec::new()) };
        let taken_back = || Err(SignFault::Unfit(TokenFault::Slow(self.shared.settings.timeout)));
        if !order.progress.step(BEGUN, ASKED) {
            return taken_back();
        }
        let signed = order.key.sign(session, handle, *digest, value);
        if matches!(signed, Err(SignFault::Before(_))) && !order.progress.step(ASKED, BEGUN) {
            return taken_back();
        }
        signed
    }

    /// Lets go of a session that the library has ended: to close it would close a new one of the same number.
    fn forget(&mut self) {
        if let Some(session) = self.session.take() {
            std::mem::forget(session);
            let mut state = held(&self.shared.state);
            state.open = state.open.saturating_sub(1);
        }
        self.keys.clear();
    }

    fn close(&mut self) {
        self.keys.clear();
        if self.session.take().is_some() {
            let mut state = held(&self.shared.state);
            state.open = state.open.saturating_sub(1);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let module = Arc::clone(&self.shared.module);
        let entered = module.entered();
        if self.renewals == *entered { self.close() } else { self.forget() }
    }
}

fn address(key: &Arc<KeyObject>) -> usize {
    Arc::as_ptr(key) as usize
}
