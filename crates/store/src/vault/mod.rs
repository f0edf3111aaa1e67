//! Secrets at rest: cards, card verification values and project secrets, sealed with AES-256-GCM.
//!
//! A master key, held in a file outside the database, is never used on data: subkeys derived from it wrap the
//! data keys, find equal cards and digest requests. Data keys live in the database, wrapped, and seal cards
//! and project secrets. Verification values are sealed with keys of their own that live only as files in the
//! key directory, are replaced every hour and destroyed as soon as no stored value needs them, so that a
//! backup of the database can never reveal one. Each record's identity is associated data: a sealed value
//! moved to another record does not open.

mod files;
mod keys;
mod rotation;

pub use rotation::{Asked, Pace, Resealed};

use crate::{Store, Unavailable};
use ferropay_domain::{
    card::{Cvv, DeviceWallet, Pan},
    ids::{CardKey, OperationId, ProjectId},
    time::Timestamp,
};
use files::KeyFiles;
use keys::{AeadKey, Subkeys};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use zeroize::Zeroizing;

/// A sealed value: which key, and nonce, ciphertext and tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Number of the key it is sealed with.
    pub key: u32,
    /// Nonce (12 bytes), ciphertext, tag (16 bytes).
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed(key {}, {} bytes)", self.key, self.bytes.len())
    }
}

/// Why the vault could not do it. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no master key.
    #[error(
        "there is no master key at {0}: put the key of this database there (32 random bytes, readable by this \
         user only), or for a new database make one with `head -c 32 /dev/urandom`"
    )]
    NoMaster(PathBuf),
    /// The database was made with another master key.
    #[error("the master key does not open the data keys of this database: it belongs to another database")]
    WrongMaster,
    /// A key file others may read.
    #[error("the key file {0} can be read by others: take the permission away (chmod 600)")]
    Exposed(PathBuf),
    /// A key file that is none.
    #[error("the key file {0} has the wrong length")]
    Malformed(PathBuf),
    /// A value is sealed with a key that is gone.
    #[error("key {0} does not exist any more")]
    NoKey(u32),
    /// A value does not open: it was changed, moved to another record, or sealed with another key.
    #[error("a sealed value does not open")]
    Broken,
    /// A data key has sealed as much as it safely may.
    #[error("the data key is used up: replace it")]
    UsedUp,
    /// The key directory cannot be used.
    #[error("the key directory cannot be used: {0}")]
    Files(#[from] std::io::Error),
    /// The cryptographic library refused.
    #[error("the cryptographic library refused to {0}")]
    Library(&'static str),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Unavailable),
}

/// Whether a missing master key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Master {
    /// A sandbox: made when the database has no data keys yet.
    MakeWhenMissing,
    /// The operator provides it.
    MustExist,
}

/// How often one data key may seal: random nonces stay far from repeating.
const MOST_USES: u64 = 1 << 30;
/// Beyond this a data key seals nothing more.
const FORBIDDEN_USES: u64 = 1 << 32;
/// How long a key for verification values is used.
const CVV_KEY_AGE: Duration = Duration::from_hours(1);
/// How long a replaced one is kept at least, for values sealed with it that are not stored yet, and for other
/// nodes that have not seen the new one.
const CVV_KEY_GRACE: Duration = Duration::from_mins(10);

/// A data key, with the bytes the database has of it: a number alone does not tell whether it is still the same key.
struct DataKey {
    wrapped: Vec<u8>,
    key: Arc<AeadKey>,
}

struct CvvKey {
    made_at: Timestamp,
    key: Arc<AeadKey>,
}

/// Seals and opens. Shared by all threads; sealing and opening run on the caller's.
pub struct Vault {
    files: KeyFiles,
    subkeys: Subkeys,
    data_keys: RwLock<BTreeMap<u32, DataKey>>,
    /// Held from reading the data keys until those that were not found are forgotten, so that nobody forgets one that somebody
    /// else has just found or made.
    asking: tokio::sync::Mutex<()>,
    uses: AtomicU64,
    cvv_keys: RwLock<BTreeMap<u32, CvvKey>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Opens the vault of a database; makes its first data key and first key for verification values. `now` is
    /// real time. Errors: see [`VaultError`].
    pub async fn open(
        directory: &Path,
        master: Master,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Self, VaultError> {
        let vault = Self::with_data_keys(directory, master, store, now).await?;
        vault.maintain(store, now).await?;
        Ok(vault)
    }

    /// Opens the vault of a database that others serve, or will: the key directory is left as it is. A file made here would be
    /// its maker's, and whoever serves may be somebody else, who could not read it. Errors: see [`VaultError`].
    pub async fn open_beside(
        directory: &Path,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Self, VaultError> {
        Self::with_data_keys(directory, Master::MustExist, store, now).await
    }

    async fn with_data_keys(
        directory: &Path,
        master: Master,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Self, VaultError> {
        let files = KeyFiles::open(directory, master == Master::MakeWhenMissing)?;
        let wrapped = store.data_keys().await?;
        let may_make = master == Master::MakeWhenMissing && wrapped.is_empty();
        let vault = Self::with_keys(files, may_make, wrapped)?;
        if read(&vault.data_keys).is_empty() {
            let _asking = vault.asking.lock().await;
            vault.make_data_key(store, rotation::number_after(None, now), now).await?;
        }
        Ok(vault)
    }

    /// Whether a directory holds the master key that wraps these data keys; changes nothing. Errors: see [`VaultError`];
    /// [`VaultError::Broken`] when it is another one.
    pub fn check(directory: &Path, wrapped: Vec<(u32, Vec<u8>)>) -> Result<(), VaultError> {
        Self::with_keys(KeyFiles::open(directory, false)?, false, wrapped).map(drop)
    }

    fn with_keys(files: KeyFiles, may_make: bool, wrapped: Vec<(u32, Vec<u8>)>) -> Result<Self, VaultError> {
        let vault = Self {
            subkeys: Subkeys::derive(&*files.master(may_make)?)?,
            files,
            data_keys: RwLock::default(),
            asking: tokio::sync::Mutex::default(),
            uses: AtomicU64::new(0),
            cvv_keys: RwLock::default(),
        };
        vault.take_data_keys(wrapped)?;
        Ok(vault)
    }

    /// Seals a card's number. Equal numbers of a project have the same key.
    pub fn seal_card(&self, project: ProjectId, pan: &Pan) -> Result<(CardKey, Sealed), VaultError> {
        let key = self.card_key(project, pan);
        let sealed = self.seal(&card_record(project, key), pan.digits().as_bytes())?;
        Ok((key, sealed))
    }

    /// Where a card of a project is kept.
    pub fn card_key(&self, project: ProjectId, pan: &Pan) -> CardKey {
        CardKey::new(self.subkeys.card_key(project.get(), pan.digits().as_bytes()))
    }

    /// Opens a card's number.
    pub fn open_card(&self, project: ProjectId, key: CardKey, sealed: &Sealed) -> Result<Pan, VaultError> {
        let digits = self.unseal(&card_record(project, key), sealed)?;
        let text = std::str::from_utf8(&digits).map_err(|_| VaultError::Broken)?;
        Pan::parse(text).map_err(|_| VaultError::Broken)
    }

    /// Seals a project's secret.
    pub fn seal_secret(&self, project: ProjectId, secret: &[u8]) -> Result<Sealed, VaultError> {
        self.seal(&secret_record(project), secret)
    }

    /// Opens a project's secret.
    pub fn open_secret(&self, project: ProjectId, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.unseal(&secret_record(project), sealed)
    }

    /// Seals the keys of a wallet that a project takes tokens of.
    pub fn seal_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        keys: &[u8],
    ) -> Result<Sealed, VaultError> {
        self.seal(&wallet_record(project, wallet), keys)
    }

    /// Opens the keys of a wallet.
    pub fn open_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.unseal(&wallet_record(project, wallet), sealed)
    }

    /// Seals a proof that an operation carries, as text that can stand among its other data.
    pub fn seal_proof(&self, operation: OperationId, proof: &str) -> Result<String, VaultError> {
        let Sealed { key, bytes } = self.seal(&record(b"proof", operation.get(), &[]), proof.as_bytes())?;
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        Ok(format!("{key}:{}", digits.collect::<String>()))
    }

    /// Opens a proof.
    pub fn open_proof(&self, operation: OperationId, sealed: &str) -> Result<String, VaultError> {
        let (key, digits) = sealed.split_once(':').ok_or(VaultError::Broken)?;
        let pairs = digits.as_bytes().chunks(2).map(std::str::from_utf8);
        let bytes: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(pair.ok()?, 16).ok()).collect();
        let sealed = Sealed {
            key: key.parse().map_err(|_| VaultError::Broken)?,
            bytes: bytes.ok_or(VaultError::Broken)?,
        };
        let proof = self.unseal(&record(b"proof", operation.get(), &[]), &sealed)?;
        String::from_utf8(proof.to_vec()).map_err(|_| VaultError::Broken)
    }

    /// Seals an operation's verification value with the newest of its keys.
    pub fn seal_cvv(&self, operation: OperationId, cvv: &Cvv) -> Result<Sealed, VaultError> {
        let (number, key) = {
            let keys = read(&self.cvv_keys);
            let (number, newest) = keys.last_key_value().ok_or(VaultError::NoKey(0))?;
            (*number, Arc::clone(&newest.key))
        };
        let bytes = key.seal(&record(b"cvv", operation.get(), &[]), cvv.digits().as_bytes())?;
        Ok(Sealed { key: number, bytes })
    }

    /// Opens an operation's verification value. Error [`VaultError::NoKey`]: its key has been destroyed.
    pub fn open_cvv(&self, operation: OperationId, sealed: &Sealed) -> Result<Cvv, VaultError> {
        let known = read(&self.cvv_keys).get(&sealed.key).map(|it| Arc::clone(&it.key));
        let key = match known {
            Some(key) => key,
            None => self.load_cvv_key(sealed.key)?,
        };
        let digits = key.open(&record(b"cvv", operation.get(), &[]), &sealed.bytes)?;
        let text = std::str::from_utf8(&digits).map_err(|_| VaultError::Broken)?;
        Cvv::parse(text).map_err(|_| VaultError::Broken)
    }

    /// A keyed digest of `parts`, for finding equal requests. Where one part ends and the next begins counts.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 16] {
        self.subkeys.fingerprint(parts)
    }

    /// Makes a new data key, which everything is sealed with from now on; older ones still open.
    /// `now` is real time.
    pub async fn rotate_data_key(&self, store: &dyn Store, now: Timestamp) -> Result<u32, VaultError> {
        let _asking = self.asking.lock().await;
        let newest = store.data_keys().await?.last().map(|(number, _)| *number);
        let number = rotation::number_after(newest, now);
        self.make_data_key(store, number, now).await?;
        Ok(number)
    }

    /// Makes the data key of this number, or takes it where another node has just made it.
    async fn make_data_key(&self, store: &dyn Store, number: u32, now: Timestamp) -> Result<(), VaultError> {
        let raw = keys::random::<32>()?;
        let added = store.add_data_key(number, self.subkeys.wrap(number, &raw)?, now).await;
        // Another node may have added that number at the same moment: then its key is as good.
        let wrapped = store.data_keys().await?;
        if !wrapped.iter().any(|(known, _)| *known == number) {
            added?;
        }
        self.take_data_keys(wrapped)?;
        self.uses.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// What must be done every few minutes: replaces keys that are old or used up, and destroys those of
    /// verification values that nothing is sealed with any more. `now` is real time.
    pub async fn maintain(&self, store: &dyn Store, now: Timestamp) -> Result<(), VaultError> {
        // These first: they are looked after although the database cannot be asked.
        self.look_after_cvv_keys(now)?;
        self.refresh(store).await?;
        if self.uses.load(Ordering::Relaxed) >= MOST_USES {
            self.rotate_data_key(store, now).await?;
        }
        self.destroy_cvv_keys(store, now).await
    }

    /// Learns of the keys that other nodes have made and destroyed, and makes one when the newest is old.
    fn look_after_cvv_keys(&self, now: Timestamp) -> Result<(), VaultError> {
        for number in self.files.cvv_numbers()? {
            if !read(&self.cvv_keys).contains_key(&number) {
                match self.load_cvv_key(number) {
                    // Another node has just destroyed it.
                    Err(VaultError::NoKey(_)) => {}
                    other => drop(other?),
                }
            }
        }
        let newest = read(&self.cvv_keys).last_key_value().map(|(number, key)| (*number, key.made_at));
        if newest.is_none_or(|(_, made_at)| now.since(made_at) >= CVV_KEY_AGE) {
            let number = newest.map_or(1, |(number, _)| number.saturating_add(1));
            self.files.make_cvv(number, now)?;
            self.load_cvv_key(number)?;
        }
        Ok(())
    }

    /// A held database may be a copy beside the original, which still needs them: it destroys none.
    async fn destroy_cvv_keys(&self, store: &dyn Store, now: Timestamp) -> Result<(), VaultError> {
        if store.recovery().await?.is_some_and(|recovery| recovery.is_held()) {
            return Ok(());
        }
        let (_, oldest) = store.cvv_in_use().await?;
        let unused: Vec<u32> = {
            let keys = read(&self.cvv_keys);
            let replaced = keys.iter().zip(keys.values().skip(1));
            replaced
                .filter(|((number, _), next)| {
                    now.since(next.made_at) >= CVV_KEY_GRACE && oldest.is_none_or(|oldest| **number < oldest)
                })
                .map(|((number, _), _)| *number)
                .collect()
        };
        for number in unused {
            write(&self.cvv_keys).remove(&number);
            self.files.destroy_cvv(number)?;
        }
        Ok(())
    }

    fn load_cvv_key(&self, number: u32) -> Result<Arc<AeadKey>, VaultError> {
        let (made_at, raw) = self.files.cvv(number)?;
        let key = Arc::new(AeadKey::new(&raw)?);
        write(&self.cvv_keys).insert(number, CvvKey { made_at, key: Arc::clone(&key) });
        Ok(key)
    }

    /// Takes what the database has. A number that is known with other bytes belongs to another key by now: the one that was
    /// known seals nothing more, whether or not the other can be taken.
    fn take_data_keys(&self, wrapped: Vec<(u32, Vec<u8>)>) -> Result<(), VaultError> {
        let mut failed = Ok(());
        for (number, wrapped) in wrapped {
            let known = read(&self.data_keys).get(&number).map(|it| it.wrapped == wrapped);
            if known == Some(true) {
                continue;
            }
            if known == Some(false) {
                write(&self.data_keys).remove(&number);
            }
            match self.subkeys.unwrap(number, &wrapped).and_then(|raw| AeadKey::new(&raw)) {
                Ok(key) => {
                    write(&self.data_keys).insert(number, DataKey { wrapped, key: Arc::new(key) });
                }
                Err(error) => failed = Err(error),
            }
        }
        failed
    }

    fn seal(&self, record: &[u8], plain: &[u8]) -> Result<Sealed, VaultError> {
        if self.uses.fetch_add(1, Ordering::Relaxed) >= FORBIDDEN_USES {
            return Err(VaultError::UsedUp);
        }
        let (number, key) = {
            let keys = read(&self.data_keys);
            let (number, newest) = keys.last_key_value().ok_or(VaultError::NoKey(0))?;
            (*number, Arc::clone(&newest.key))
        };
        Ok(Sealed { key: number, bytes: key.seal(record, plain)? })
    }

    fn unseal(&self, record: &[u8], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let known = read(&self.data_keys).get(&sealed.key).map(|it| Arc::clone(&it.key));
        let key = known.ok_or(VaultError::NoKey(sealed.key))?;
        key.open(record, &sealed.bytes)
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The identity of a record, as associated data.
fn record(kind: &[u8], number: i64, rest: &[u8]) -> Vec<u8> {
    [kind, &[0], &number.to_be_bytes(), rest].concat()
}

fn secret_record(project: ProjectId) -> Vec<u8> {
    record(b"secret", project.get(), &[])
}

fn wallet_record(project: ProjectId, wallet: DeviceWallet) -> Vec<u8> {
    record(b"wallet", project.get(), &[wallet.number()])
}

fn card_record(project: ProjectId, key: CardKey) -> Vec<u8> {
    record(b"card", project.get(), key.as_bytes())
}
