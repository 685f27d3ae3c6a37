//! Libraries: each is loaded and initialised once for the process, whoever names it, and remembers which PINs were refused.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};

use super::fault::{TokenFault, refuses_pin, returned, words};
use super::pin::PinSource;

/// How long a library that was initialised anew is left as it is: at first, and at most.
const RENEWAL_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

static MODULES: LazyLock<Mutex<HashMap<PathBuf, Arc<Module>>>> = LazyLock::new(Mutex::default);
static LOGINS: AtomicU64 = AtomicU64::new(0);

/// How often C_Login was called in this process.
pub fn logins() -> u64 {
    LOGINS.load(Ordering::Relaxed)
}

/// How a token is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenName {
    Label(String),
    Serial(String),
}

impl TokenName {
    fn is_of(&self, token: &TokenInfo) -> bool {
        match self {
            Self::Label(label) => token.label() == label,
            Self::Serial(serial) => token.serial_number() == serial,
        }
    }
}

impl std::fmt::Display for TokenName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Label(label) => write!(formatter, "with the label {label:?}"),
            Self::Serial(serial) => write!(formatter, "with the serial number {serial:?}"),
        }
    }
}

/// A library.
pub(super) struct Module {
    path: PathBuf,
    library: Mutex<Option<Pkcs11>>,
    /// How often it was initialised anew. Who calls the library holds this for reading: C_Finalize may not meet other calls (PKCS#11 §5.4).
    renewals: RwLock<u64>,
    renewed: Mutex<Option<(Instant, Duration)>>,
    /// By the serial number of a token: the digest of the PIN that it refused last, and how. One at a time logs in.
    refused: Mutex<HashMap<String, ([u8; 32], String)>>,
}

impl Module {
    /// The one of this path; nothing is loaded yet.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut modules = held(&MODULES);
        Arc::clone(modules.entry(path.clone()).or_insert_with(|| {
            Arc::new(Self {
                path,
                library: Mutex::default(),
                renewals: RwLock::default(),
                renewed: Mutex::default(),
                refused: Mutex::default(),
            })
        }))
    }

    /// To be held while the library is called. Sessions of before the last renewal are void, and their numbers may be those of new ones.
    pub(super) fn entered(&self) -> RwLockReadGuard<'_, u64> {
        self.renewals.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Initialises the library anew, as some need to see a token again that came back; not while it is being called, and not often.
    pub(super) fn renew(&self) {
        let Ok(mut renewals) = self.renewals.try_write() else { return };
        let mut renewed = held(&self.renewed);
        let pause = match &*renewed {
            Some((at, pause)) if at.elapsed() < *pause => return,
            // The last one was for something else.
            Some((at, _)) if at.elapsed() > RENEWAL_PAUSE.1 * 2 => RENEWAL_PAUSE.0,
            Some((.., pause)) => (*pause * 2).min(RENEWAL_PAUSE.1),
            None => RENEWAL_PAUSE.0,
        };
        *renewed = Some((Instant::now(), pause));
        let Some(library) = held(&self.library).take() else { return };
        *renewals += 1;
        if let Err(error) = library.finalize() {
            tracing::warn!(module = %self.path.display(), error = words(&error), "a PKCS#11 module cannot be ended");
        }
    }

    fn library(&self) -> Result<Pkcs11, TokenFault> {
        let mut library = held(&self.library);
        if let Some(library) = &*library {
            return Ok(library.clone());
        }
        let failed = |reason: String| TokenFault::Module { module: self.path.display().to_string(), reason };
        let loaded = Pkcs11::new(&self.path).map_err(|error| failed(words(&error)))?;
        match loaded.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) => {}
            Err(error) if returned(&error) == Some(RvError::CryptokiAlreadyInitialized) => {}
            Err(error) => return Err(failed(words(&error))),
        }
        *library = Some(loaded.clone());
        Ok(loaded)
    }

    /// The slot in which the token is now. Asking for all slots makes the library look for tokens that came or went (PKCS#11 §5.5).
    fn find(&self, library: &Pkcs11, name: &TokenName) -> Result<(Slot, TokenInfo), TokenFault> {
        let slots = library.get_slots_with_token().map_err(|error| TokenFault::Device(words(&error)))?;
        let tokens = slots.into_iter().filter_map(|slot| Some((slot, library.get_token_info(slot).ok()?)));
        let mut found = tokens.filter(|(_, token)| token.token_initialized() && name.is_of(token));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(TokenFault::Absent { token: name.to_string() }),
            (Some(_), Some(_)) => Err(TokenFault::NotUnique { token: name.to_string() }),
        }
    }

    /// A read-only session of the token, logged in. [`TokenFault::NoSession`]: the token has no more of them.
    pub(super) fn open(&self, name: &TokenName, pin: &PinSource) -> Result<Session, TokenFault> {
        let library = self.library()?;
        let (slot, token) = self.find(&library, name)?;
        let session = library.open_ro_session(slot).map_err(|error| match returned(&error) {
            Some(RvError::SessionCount) => TokenFault::NoSession,
            _ => TokenFault::Device(words(&error)),
        })?;
        if token.login_required() {
            self.log_in(&library, slot, &session, pin)?;
        }
        Ok(session)
    }

    /// Once for all sessions of the token. A PIN that was refused is never tried again: tokens lock after a few.
    fn log_in(&self, library: &Pkcs11, slot: Slot, session: &Session, pin: &PinSource) -> Result<(), TokenFault> {
        let device = |error: cryptoki::error::Error| TokenFault::Device(words(&error));
        let mut refused = held(&self.refused);
        let state = session.get_session_info().map_err(device)?.session_state();
        if matches!(state, SessionState::RoUser | SessionState::RwUser) {
            return Ok(());
        }
        let pin = pin.read()?;
        // As it is now that nobody else here logs in.
        let token = library.get_token_info(slot).map_err(device)?;
        let serial = token.serial_number().to_owned();
        if let Some((_, reason)) = refused.get(&serial).filter(|(digest, _)| *digest == pin.digest) {
            return Err(TokenFault::PinRefused(reason.clone()));
        }
        if token.user_pin_locked() {
            return Err(TokenFault::PinLocked);
        }
        if token.user_pin_final_try() {
            return Err(TokenFault::FinalTry);
        }
        LOGINS.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("antin_token_logins_total").increment(1);
        let Err(error) = session.login(UserType::User, Some(&pin.secret)) else {
            refused.remove(&serial);
            tracing::info!(serial, "logged in to a token");
            return Ok(());
        };
        match returned(&error) {
            Some(RvError::UserAlreadyLoggedIn) => Ok(()),
            Some(value) if refuses_pin(value) => {
                tracing::error!(serial, reason = ?value, "a token refused the PIN; it is not tried again");
                refused.insert(serial, (pin.digest, format!("{value:?}")));
                Err(TokenFault::PinRefused(format!("{value:?}")))
            }
            _ => Err(TokenFault::Device(words(&error))),
        }
    }
}

/// What a panic elsewhere left is as good as before: each change is one assignment.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
