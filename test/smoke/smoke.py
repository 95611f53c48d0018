"""Deploys the packaged stack into ministack, and drains instances of an embedded AWS with it.

What ministack 1.5.33 does otherwise than AWS, and what that leaves unproven here:
- Its CloudFormation drops `DurableConfig`, so that is set by hand once the stack is there, in words of the emulator's own
  that AWS does not know. That the template has it is up to test/stack. It drops `DeadLetterConfig` as well.
- It takes no notice of `DurableExecutionName`: that a notice which comes twice makes one drain is up to the scenarios.
- It never wakes an asynchronous execution after a wait, so the drain of an instance with tasks ends here with its first
  wait. An instance without tasks is drained to the end, and so is one with tasks that is ordered synchronously.
- It checks no permission of a role and runs functions beside itself on the machine's own processor; arm64 is not tried.
"""

import json
import os
import pathlib
import re
import sys
import time
import traceback
import urllib.request

import botocore
import botocore.session
from botocore.config import Config

EMULATOR, REGION, NOTICES, LOG = sys.argv[1:]
PACKAGE = pathlib.Path(".serverless")
STACK, BUCKET, PREFIX = "ecs-drain", "code-of-ours", "releases/7/"
QUEUE = "on-call"

session = botocore.session.get_session()
bounds = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 1})


def client(service, url):
    return session.create_client(service, endpoint_url=url, config=bounds)


s3, cloudformation, sns, sqs, functions, ssm = (
    client(name, EMULATOR) for name in ("s3", "cloudformation", "sns", "sqs", "lambda", "ssm")
)
ecs, autoscaling = client("ecs", REGION), client("autoscaling", REGION)

checks = []
seen = {}  # what a check leaves for those after it


def check(function):
    """Has the function run, in the order of the file. Its docstring says what it proves."""
    checks.append(function)
    return function


def eventually(look, is_good, seconds=30):
    """Looks until what is seen is good, and answers with it."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if is_good(found):
            return found
        assert time.monotonic() < until, f"not within {seconds} s; last seen: {found}"
        time.sleep(0.2)


def equal(found, wanted):
    assert found == wanted, f"{found!r}, not {wanted!r}"


def alerts():
    """All that the alert topic has carried so far, by kind and instance."""
    for message in sqs.receive_message(QueueUrl=seen["queue"], MaxNumberOfMessages=10).get("Messages", []):
        envelope = json.loads(message["Body"])
        attributes = {name: value["Value"] for name, value in envelope["MessageAttributes"].items()}
        seen["alerts"][attributes["kind"], attributes["instanceId"]] = envelope
        sqs.delete_message(QueueUrl=seen["queue"], ReceiptHandle=message["ReceiptHandle"])
    return seen["alerts"]


def execution_of(instance_id):
    """The one durable execution that drains the instance."""
    listed = functions.list_durable_executions_by_function(FunctionName=f"{STACK}-drain", Qualifier="1")
    found = [
        functions.get_durable_execution(DurableExecutionArn=one["DurableExecutionArn"])
        for one in listed["DurableExecutions"]
    ]
    [execution] = [one for one in found if json.loads(one["InputPayload"])["instanceId"] == instance_id]
    return execution


def made_by(execution):
    """The names of the operations that the execution has done, in order, and of those that it has begun."""
    arn = execution["DurableExecutionArn"]
    events = functions.get_durable_execution_history(DurableExecutionArn=arn, MaxItems=1000)["Events"]
    named = lambda kind: [event["Name"] for event in events if event["EventType"] == kind]
    return named("StepSucceeded"), named("WaitStarted")


def instance_of(cluster):
    """A container instance of the cluster, with tasks if any has some."""
    arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    found = ecs.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"]
    return sorted(found, key=lambda one: one["runningTasksCount"])[-1]


def status_of(cluster, container_instance):
    [found] = ecs.describe_container_instances(
        cluster=cluster, containerInstances=[container_instance["containerInstanceArn"]]
    )["containerInstances"]
    return found["status"]


def state_of(instance_id):
    found = autoscaling.describe_auto_scaling_instances(InstanceIds=[instance_id])["AutoScalingInstances"]
    return found[0]["LifecycleState"] if found else "gone"


def notices_of(instance_id):
    """What Auto Scaling would have published of the instance: test/smoke/region.ts writes it down."""
    lines = pathlib.Path(NOTICES).read_text().splitlines()
    notices = [json.loads(line) for line in lines if line.startswith("{")]
    return [one for one in notices if one["message"]["EC2InstanceId"] == instance_id]


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def take_away(instance_id):
    """Terminates the instance in its group, and carries what its hook says to the topic that the stack has made."""
    autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=instance_id, ShouldDecrementDesiredCapacity=True
    )
    # Until then Auto Scaling may say what was true before (AWS-CONTRACTS §1), and the drain would look again after a wait.
    eventually(lambda: state_of(instance_id), lambda state: state.startswith("Terminating"))
    [notice] = eventually(lambda: notices_of(instance_id), len)
    equal(notice["targetArn"], seen["outputs"]["LifecycleTopicArn"])
    # The region has a calendar of its own; the functions have the machine's.
    message = {**notice["message"], "Time": now()}
    sns.publish(
        TopicArn=notice["targetArn"],
        Subject=f"Auto Scaling:  Lifecycle action 'TERMINATING' for instance {instance_id} in progress.",
        Message=json.dumps(message),
    )


@check
def uploads():
    """the code is uploaded, each zip under the key that the template asks for, and the template itself"""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for zipped in (PACKAGE / "code").iterdir():
        s3.put_object(Bucket=BUCKET, Key=PREFIX + zipped.name, Body=zipped.read_bytes())
    template = PACKAGE / "ecs-drain.template.json"
    s3.put_object(Bucket=BUCKET, Key=PREFIX + template.name, Body=template.read_bytes())
    uploaded = {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)["Contents"]}
    equal({re.sub("-[0-9a-f]{16}", "", key.removeprefix(PREFIX)) for key in uploaded},
          {"amiUpdate.zip", "amiWatch.zip", "drain.zip", "intake.zip", template.name})


@check
def creates_the_stack():
    """CreateStack makes the self-contained template's stack, from the bucket that its code is in, with rollouts"""
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=f"{EMULATOR}/{BUCKET}/{PREFIX}ecs-drain.template.json",
        Parameters=[
            {"ParameterKey": "CodeBucket", "ParameterValue": BUCKET},
            {"ParameterKey": "CodePrefix", "ParameterValue": PREFIX},
            {"ParameterKey": "DrainDeadlineSeconds", "ParameterValue": "1200"},
            {"ParameterKey": "Rollouts", "ParameterValue": "on"},
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = eventually(
        lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0],
        lambda one: not one["StackStatus"].endswith("_IN_PROGRESS"),
    )
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failures = [one for one in events if "FAILED" in one["ResourceStatus"]]
    equal((stack["StackStatus"], failures), ("CREATE_COMPLETE", []))
    seen["outputs"] = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@check
def has_its_code_and_settings():
    """the functions have their code and, from the parameters, their environment; the aliases are the published versions"""
    drain = functions.get_function_configuration(FunctionName=f"{STACK}-drain")
    [zipped] = (PACKAGE / "code").glob("drain-*.zip")
    equal((drain["CodeSize"], drain["Runtime"]), (zipped.stat().st_size, "nodejs24.x"))
    equal(drain["Environment"]["Variables"]["DRAIN_DEADLINE_SECONDS"], "1200")
    equal(drain["Environment"]["Variables"]["ALERT_TOPIC_ARN"], seen["outputs"]["AlertTopicArn"])
    intake = functions.get_function_configuration(FunctionName=f"{STACK}-intake")["Environment"]["Variables"]
    equal(intake["DRAIN_FUNCTION_ARN"], seen["outputs"]["DrainFunctionArn"])
    equal(intake["AMI_UPDATE_FUNCTION_ARN"], seen["outputs"]["AmiUpdateFunctionArn"])
    update = functions.get_function_configuration(FunctionName=f"{STACK}-ami-update")["Environment"]["Variables"]
    equal(update["AMI_UPDATE_FUNCTION_ARN"], seen["outputs"]["AmiUpdateFunctionArn"])
    equal((update["DRAIN_DEADLINE_SECONDS"], update["PARAMETER_PREFIX"]), ("1200", f"/{STACK}"))
    for name in ("drain", "ami-update"):
        equal(functions.get_alias(FunctionName=f"{STACK}-{name}", Name="durable")["FunctionVersion"], "1")
    equal(ssm.get_parameter(Name=seen["outputs"]["SwitchParameterName"])["Parameter"]["Value"], '{"mode":"act"}')


@check
def is_made_durable():
    """the drain function is made durable by hand, because the emulator's CloudFormation forgets it"""
    made = functions.get_function_configuration(FunctionName=f"{STACK}-drain")
    assert "DurableConfig" not in made, "it no longer forgets it: this check can go"
    durable = {"Enabled": True, "ExecutionTimeout": 7_776_000, "RetentionPeriodInDays": 30}
    request = urllib.request.Request(
        f"{EMULATOR}/2015-03-31/functions/{STACK}-drain/configuration",
        method="PUT",
        data=json.dumps({"DurableConfig": durable}).encode(),
        # Its router looks for region and service where a signature has them.
        headers={"Authorization": "AWS4-HMAC-SHA256 Credential=test/20261101/eu-west-1/lambda/aws4_request"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        equal(json.load(answer)["DurableConfig"], durable)


@check
def subscribes():
    """a queue subscribes to the alert topic, as people would"""
    seen["queue"] = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=seen["queue"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=seen["outputs"]["AlertTopicArn"], Protocol="sqs", Endpoint=arn)
    seen["alerts"] = {}


@check
def takes_an_order():
    """an operator's order, invoked synchronously: its instance is set DRAINING, and the function waits"""
    seen["ordered"] = instance_of("batch")
    order = {
        "kind": "ordered",
        "instanceId": seen["ordered"]["ec2InstanceId"],
        "noticedAt": now(),
        "id": "order-1",
        "by": "smoke",
        "reason": "to see it end",
    }
    functions.invoke(
        FunctionName=seen["outputs"]["DrainFunctionArn"], Payload=json.dumps(order), DurableExecutionName="order-1"
    )
    equal(status_of("batch", seen["ordered"]), "DRAINING")
    equal(execution_of(order["instanceId"])["Status"], "RUNNING")


@check
def drains_what_is_empty():
    """an instance without tasks: its notice goes through topic, intake and drain, which sets it DRAINING and releases it"""
    instance = instance_of("idle")
    instance_id = instance["ec2InstanceId"]
    take_away(instance_id)
    eventually(lambda: state_of(instance_id), lambda state: state in ("Terminating:Proceed", "gone"))
    heard = eventually(alerts, lambda heard: ("drained", instance_id) in heard)["drained", instance_id]
    equal(heard["Subject"], f"[ecs-drain info] Drained {instance_id} (idle-asg)")
    steps, _ = made_by(execution_of(instance_id))
    equal(steps, ["verify", "find", "start-draining", "alert", "look", "release", "alert"])


@check
def drains_what_is_busy():
    """an instance with tasks: it is set DRAINING, people hear of it, and the drain waits while the hook holds the instance"""
    instance = instance_of("web")
    instance_id = instance["ec2InstanceId"]
    assert instance["runningTasksCount"] > 0, instance
    take_away(instance_id)
    eventually(lambda: status_of("web", instance), lambda status: status == "DRAINING")
    heard = eventually(alerts, lambda heard: ("started", instance_id) in heard)["started", instance_id]
    equal(heard["Subject"], f"[ecs-drain info] Draining {instance_id} (web-asg)")
    # As the stack's parameter said; counted from the notice.
    assert "over in 20 min at the latest" in heard["Message"], heard
    steps, waits = eventually(lambda: made_by(execution_of(instance_id)), lambda made: made[1])
    equal((steps, waits), (["verify", "find", "start-draining", "alert"], ["wait"]))
    equal(state_of(instance_id), "Terminating:Wait")


@check
def ends_what_was_ordered():
    """what was ordered ends after its waits, each a new invocation that replays the history: drained, and left DRAINING"""
    instance_id = seen["ordered"]["ec2InstanceId"]
    ended = eventually(lambda: execution_of(instance_id), lambda one: one["Status"] != "RUNNING", seconds=75)
    equal(ended["Status"], "SUCCEEDED")
    equal(json.loads(ended["Result"])["outcome"], "drained")
    steps, waits = made_by(ended)
    equal((steps[:4], steps[-2:]), (["verify", "find", "start-draining", "alert"], ["look", "alert"]))
    assert waits, steps
    equal(status_of("batch", seen["ordered"]), "DRAINING")
    arn = seen["ordered"]["containerInstanceArn"]
    equal(ecs.list_tasks(cluster="batch", containerInstance=arn)["taskArns"], [])
    eventually(alerts, lambda heard: ("drained", instance_id) in heard)


@check
def fails_nowhere():
    """no invocation had to be tried again: neither function has thrown"""
    log = pathlib.Path(LOG).read_text()
    assert f"Lambda {STACK}-drain async output (attempt 1)" in log, "the log is not as it was: nothing was looked at"
    assert "(attempt 2)" not in log, log[log.index("(attempt 2)") - 2_000 :]


def main():
    print(f"ministack, asked by botocore {botocore.__version__}")
    failed = 0
    for function in checks:
        try:
            function()
        except Exception:  # whatever it is, the other checks still have something to say
            failed += 1
            print(f"FAILED smoke: {function.__doc__}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok smoke: {function.__doc__}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
