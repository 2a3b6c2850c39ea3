//! The loopback ground: an operating-system process for each instance, on 127.0.0.1.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_fault_layers::Means;
use ragdoll_host::service::{LISTENING, Plan};
use ragdoll_model::{InstanceId, Topology};
use ragdoll_runtime::Clock;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::fleet::{Exit, Fleet, GroundError};

/// How long a process may take until it listens.
const START_US: u64 = 10_000_000;
/// How much of what a process wrote to its standard error is kept.
const SAID_BYTES: usize = 4096;
/// Name under which the processes run, whatever program they are.
const PROCESS_NAME: &str = "ragdoll-service";
/// Exit code of a process that ran out of memory.
const OUT_OF_MEMORY: i32 = 137;

/// Processes on loopback.
pub(crate) struct Loopback {
    program: PathBuf,
    topology: Topology,
    plan_line: String,
    clock: Clock,
    processes: Mutex<BTreeMap<InstanceId, Running>>,
    exits: AsyncMutex<mpsc::UnboundedReceiver<Exit>>,
    exited: mpsc::UnboundedSender<Exit>,
}

struct Running {
    pid: Pid,
    /// Whether the process has ended, after which its id may be another's.
    ended: Arc<AtomicBool>,
    address: String,
    /// Open for as long as the process is to live.
    _stdin: ChildStdin,
    /// Waits for its end; to abort it kills the process.
    waiting: tokio::task::JoinHandle<()>,
}

impl Loopback {
    /// Starts a process for each of `instances`. `program` is `ragdoll-service`, or `ragdoll`, which
    /// is the same under that name.
    pub(crate) async fn start_all(
        program: &Path,
        plan: &Plan,
        instances: &[InstanceId],
        clock: &Clock,
    ) -> Result<Loopback, GroundError> {
        let (exited, exits) = mpsc::unbounded_channel();
        let plan_line = serde_json::to_string(plan).expect("plain data has a JSON form") + "\n";
        let fleet = Loopback {
            program: program.to_owned(),
            topology: plan.topology.clone(),
            plan_line,
            clock: clock.clone(),
            processes: Mutex::default(),
            exits: AsyncMutex::new(exits),
            exited,
        };
        let starts = instances.iter().map(|id| fleet.launch(id, "127.0.0.1:0"));
        for started in futures_util::future::join_all(starts).await {
            started?;
        }
        Ok(fleet)
    }

    async fn launch(&self, id: &InstanceId, listen: &str) -> Result<(), GroundError> {
        let mut child = self.spawn(id, listen)?;
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(pid), (Some(mut stdin), Some(stdout), Some(stderr))) = (pid, pipes) else {
            panic!("a child that was just started has an id and the pipes that were asked for");
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let listening = tokio::spawn(keep_tail(stderr, said.clone()));
        let address = async {
            // A process that ended at once does not read its plan; its own words say why.
            let _ = stdin.write_all(self.plan_line.as_bytes()).await;
            let mut lines = BufReader::new(stdout).lines();
            lines.next_line().await.ok().flatten()
        };
        let address = self.clock.timeout_us(START_US, address).await;
        let line = address.ok().flatten().unwrap_or_default();
        let Some(address) = line.strip_prefix(LISTENING).map(str::trim) else {
            return Err(died_at_start(id, child, listening, &said).await);
        };
        let ended = Arc::<AtomicBool>::default();
        let end = End {
            instance: id.clone(),
            said,
            ended: ended.clone(),
            exited: self.exited.clone(),
        };
        let running = Running {
            pid,
            ended,
            address: address.to_owned(),
            _stdin: stdin,
            waiting: tokio::spawn(end.wait(child)),
        };
        self.processes().insert(id.clone(), running);
        Ok(())
    }

    fn spawn(&self, id: &InstanceId, listen: &str) -> Result<Child, GroundError> {
        let siblings = self.topology.instances_of(id.service());
        let index = siblings.iter().position(|sibling| sibling == id);
        let index = index.unwrap_or_else(|| panic!("{id} is not part of the topology"));
        let arguments: [OsString; 8] = [
            "--role".into(),
            id.service().name().into(),
            "--index".into(),
            index.to_string().into(),
            "--plan".into(),
            "-".into(),
            "--listen".into(),
            listen.into(),
        ];
        let mut command = Command::new(&self.program);
        command
            .arg0(PROCESS_NAME)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt from the terminal goes to the orchestrator alone, which ends the others.
            .process_group(0)
            .kill_on_drop(true);
        command.spawn().map_err(|error| GroundError::Start {
            what: format!("{} as {id}", self.program.display()),
            why: error.to_string(),
            fix: "name the program with --service-program".to_owned(),
        })
    }

    fn signal(
        &self,
        what: &'static str,
        id: &InstanceId,
        signal: Signal,
    ) -> Result<(), GroundError> {
        let failed = |why: String| GroundError::Action {
            what,
            instance: id.name().to_owned(),
            why,
        };
        match self.processes().get(id) {
            Some(running) if running.is_alive() => {
                kill_process(running.pid, signal).map_err(|error| failed(error.to_string()))
            }
            // What has ended need not be killed, and cannot be stopped.
            _ => Ok(()),
        }
    }

    fn processes(&self) -> std::sync::MutexGuard<'_, BTreeMap<InstanceId, Running>> {
        self.processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads what a process says until it ends, and keeps the end of it.
async fn keep_tail(mut stderr: impl AsyncRead + Unpin, said: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&piece[..length]);
        let surplus = said.len().saturating_sub(SAID_BYTES);
        said.drain(..surplus);
    }
}

fn tail(said: &Mutex<Vec<u8>>) -> String {
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&said);
    let text = text.trim();
    if text.is_empty() {
        "it said nothing".to_owned()
    } else {
        text.to_owned()
    }
}

async fn died_at_start(
    id: &InstanceId,
    mut child: Child,
    listening: tokio::task::JoinHandle<()>,
    said: &Mutex<Vec<u8>>,
) -> GroundError {
    // One that neither listens nor ends is not waited for.
    let _ = child.start_kill();
    let status = child.wait().await;
    let _ = listening.await;
    let code = status.ok().and_then(|status| status.code());
    GroundError::DiedAtStart {
        instance: id.name().to_owned(),
        code: code.map_or_else(String::new, |code| format!(" with exit code {code}")),
        said: tail(said),
    }
}

impl Running {
    fn is_alive(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
    }
}

/// What is to be told when a process ends.
struct End {
    instance: InstanceId,
    said: Arc<Mutex<Vec<u8>>>,
    ended: Arc<AtomicBool>,
    exited: mpsc::UnboundedSender<Exit>,
}

impl End {
    async fn wait(self, mut child: Child) {
        let status = child.wait().await.ok();
        self.ended.store(true, Ordering::Release);
        let own_code = status.and_then(|status| status.code());
        let killed_by = status.and_then(|status| status.signal());
        let exit = Exit {
            // A process that was killed has no code of its own: this one says that it ran out.
            out_of_memory: own_code == Some(OUT_OF_MEMORY),
            code: own_code.or(killed_by.map(|signal| 128 + signal)),
            said: tail(&self.said),
            instance: self.instance,
        };
        // Nobody waits any more where the run is over.
        let _ = self.exited.send(exit);
    }
}

impl Fleet for Loopback {
    fn means(&self) -> Means {
        Means::Signals
    }

    fn addresses(&self) -> BTreeMap<String, String> {
        let processes = self.processes();
        let addresses = processes.iter();
        addresses
            .map(|(id, running)| (id.name().to_owned(), running.address.clone()))
            .collect()
    }

    fn address(&self, instance: &InstanceId) -> String {
        let processes = self.processes();
        let running = processes.get(instance);
        running
            .unwrap_or_else(|| panic!("{instance} was never started"))
            .address
            .clone()
    }

    async fn kill(&self, instance: &InstanceId) -> Result<(), GroundError> {
        self.signal("kill", instance, Signal::KILL)
    }

    async fn start(&self, instance: &InstanceId) -> Result<(), GroundError> {
        let address = self.address(instance);
        self.launch(instance, &address).await
    }

    async fn pause(&self, instance: &InstanceId) -> Result<(), GroundError> {
        self.signal("stop", instance, Signal::STOP)
    }

    async fn resume(&self, instance: &InstanceId) -> Result<(), GroundError> {
        self.signal("continue", instance, Signal::CONT)
    }

    async fn disconnect(&self, instance: &InstanceId) -> Result<(), GroundError> {
        panic!("nobody takes {instance} off the loopback interface: layers hold its messages")
    }

    async fn reconnect(&self, instance: &InstanceId) -> Result<(), GroundError> {
        panic!("nobody took {instance} off the loopback interface")
    }

    async fn set_cpu_quota(
        &self,
        instance: &InstanceId,
        _: Option<f64>,
    ) -> Result<(), GroundError> {
        panic!("the model of its processors keeps the quota of {instance}")
    }

    async fn next_exit(&self) -> Exit {
        let exit = self.exits.lock().await.recv().await;
        exit.expect("the fleet holds a sender")
    }

    async fn stop(self) {
        let processes = std::mem::take(&mut *self.processes());
        for running in processes.values().filter(|running| running.is_alive()) {
            // One that ends just now is in nobody's way.
            let _ = kill_process(running.pid, Signal::KILL);
        }
        for running in processes.into_values() {
            let _ = running.waiting.await;
        }
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        for running in self.processes().values() {
            running.waiting.abort();
        }
    }
}
