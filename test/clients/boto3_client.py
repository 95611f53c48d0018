"""Drains an instance of a served region with boto3, pages through a fleet, and asks for what AWS refuses."""

import sys
import time
import traceback

import boto3
import botocore
from botocore.exceptions import ClientError

URL = sys.argv[1]
CLUSTER, GROUP, HOOK = "boto3", "boto3-asg", "ecs-drain"
TASKS_EACH = 3  # on an instance of CLUSTER: two of a service, one of a daemon
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts"

ecs = boto3.client("ecs", endpoint_url=URL)
autoscaling = boto3.client("autoscaling", endpoint_url=URL)
sns = boto3.client("sns", endpoint_url=URL)
ec2 = boto3.client("ec2", endpoint_url=URL)
scaling = boto3.client("application-autoscaling", endpoint_url=URL)

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
        time.sleep(0.3)


def equal(found, wanted):
    assert found == wanted, f"{found!r}, not {wanted!r}"


def refuses(call, code, text, exception=ClientError, **arguments):
    """The call is refused with AWS's own code, as boto3's class for it, and with these words."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        equal(error.response["Error"]["Code"], code)
        equal(type(error), exception)
        assert text in error.response["Error"]["Message"], error
        assert error.response["ResponseMetadata"]["RequestId"], "no request id"
    else:
        raise AssertionError(f"it was not refused: {answer}")


def group():
    [found] = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    return found


def state():
    """The LifecycleState of our instance; None once it is gone."""
    found = autoscaling.describe_auto_scaling_instances(InstanceIds=[seen["id"]])["AutoScalingInstances"]
    return found[0]["LifecycleState"] if found else None


def container_instance():
    [found] = ecs.describe_container_instances(cluster=CLUSTER, containerInstances=[seen["arn"]])["containerInstances"]
    return found


def pages(client, operation, **arguments):
    return list(client.get_paginator(operation).paginate(**arguments))


def each_once(found, wanted):
    """As many different ones as wanted, and none twice."""
    equal(len(found), wanted)
    equal(len(set(found)), wanted)


@check
def lists_and_describes_clusters():
    """lists the clusters and describes ours, and says which cluster is missing"""
    arns = ecs.list_clusters()["clusterArns"]
    equal([arn.split("/")[1] for arn in arns], ["fleet", "boto3", "awscli", "rollout"])
    answer = ecs.describe_clusters(clusters=[CLUSTER, "nowhere"])
    [cluster] = answer["clusters"]
    equal((cluster["clusterName"], cluster["registeredContainerInstancesCount"]), (CLUSTER, 3))
    equal([failure["reason"] for failure in answer["failures"]], ["MISSING"])


@check
def finds_the_instance():
    """finds the container instance of one of its group's instances by a filter on ec2InstanceId"""
    instances = group()["Instances"]
    equal([instance["LifecycleState"] for instance in instances], ["InService"] * 3)
    seen["id"] = instances[0]["InstanceId"]
    expression = f"ec2InstanceId in ['{seen['id']}', 'i-0123456789abcdef0']"
    [seen["arn"]] = ecs.list_container_instances(cluster=CLUSTER, filter=expression)["containerInstanceArns"]
    found = container_instance()
    equal((found["ec2InstanceId"], found["status"], found["agentConnected"]), (seen["id"], "ACTIVE", True))
    equal(found["runningTasksCount"], TASKS_EACH)
    equal(len(ecs.list_container_instances(cluster=CLUSTER)["containerInstanceArns"]), 3)


@check
def terminates_it():
    """terminates the instance in its group, which shrinks by one, and sees it held at Terminating:Wait"""
    activity = autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=seen["id"], ShouldDecrementDesiredCapacity=True
    )["Activity"]
    equal((activity["AutoScalingGroupName"], activity["StatusCode"]), (GROUP, "InProgress"))
    equal(group()["DesiredCapacity"], 2)
    eventually(state, lambda found: found == "Terminating:Wait")
    seen["waiting"] = time.monotonic()


@check
def describes_the_hook():
    """describes the hook that holds it"""
    [hook] = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=GROUP)["LifecycleHooks"]
    equal(hook["LifecycleHookName"], HOOK)
    equal(hook["LifecycleTransition"], "autoscaling:EC2_INSTANCE_TERMINATING")
    equal((hook["HeartbeatTimeout"], hook["GlobalTimeout"], hook["DefaultResult"]), (30, 3000, "CONTINUE"))


@check
def sets_draining():
    """sets the container instance to DRAINING: it is answered so, and listed so"""
    seen["tasks"] = ecs.list_tasks(cluster=CLUSTER, containerInstance=seen["arn"])["taskArns"]
    each_once(seen["tasks"], TASKS_EACH)
    answer = ecs.update_container_instances_state(
        cluster=CLUSTER, containerInstances=[seen["arn"]], status="DRAINING"
    )
    equal([found["status"] for found in answer["containerInstances"]], ["DRAINING"])
    equal(answer["failures"], [])
    draining = ecs.list_container_instances(cluster=CLUSTER, status="DRAINING")["containerInstanceArns"]
    equal(draining, [seen["arn"]])


@check
def watches_its_tasks_stop():
    """watches every task go through DEACTIVATING and STOPPING to STOPPED, after the running count has said zero"""
    on_the_way = set()
    not_yet_stopped_at_zero = []

    def look():
        running = container_instance()["runningTasksCount"]
        told = ecs.list_tasks(cluster=CLUSTER, containerInstance=seen["arn"], desiredStatus="STOPPED")["taskArns"]
        tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=told)["tasks"] if told else []
        on_the_way.update(task["lastStatus"] for task in tasks)
        if running == 0:
            not_yet_stopped_at_zero.extend(task for task in tasks if task["lastStatus"] != "STOPPED")
        return {task["taskArn"]: task for task in tasks if task["lastStatus"] == "STOPPED"}

    stopped = eventually(look, lambda found: set(found) == set(seen["tasks"]))
    assert on_the_way >= {"DEACTIVATING", "STOPPING", "STOPPED"}, on_the_way
    assert not_yet_stopped_at_zero, "the count never said zero too early"
    for task in stopped.values():
        equal((task["desiredStatus"], task["stopCode"]), ("STOPPED", "ServiceSchedulerInitiated"))
        assert task["stoppingAt"] < task["executionStoppedAt"] < task["stoppedAt"], task


@check
def waiters_agree():
    """its own waiters agree: the tasks have stopped and the service is stable, with all its tasks elsewhere"""
    soon = {"Delay": 1, "MaxAttempts": 20}
    ecs.get_waiter("tasks_stopped").wait(cluster=CLUSTER, tasks=seen["tasks"], WaiterConfig=soon)
    ecs.get_waiter("services_stable").wait(cluster=CLUSTER, services=["api"], WaiterConfig=soon)
    [api] = ecs.describe_services(cluster=CLUSTER, services=["api"])["services"]
    equal((api["desiredCount"], api["runningCount"]), (6, 6))


@check
def records_a_heartbeat():
    """records a heartbeat, by which the hook still holds the instance when its first 30 s are over"""
    autoscaling.record_lifecycle_action_heartbeat(
        LifecycleHookName=HOOK, AutoScalingGroupName=GROUP, InstanceId=seen["id"]
    )
    time.sleep(max(0, seen["waiting"] + 32 - time.monotonic()))
    equal(state(), "Terminating:Wait")


@check
def completes_the_action():
    """completes the lifecycle action and sees the instance leave its group and its cluster"""
    autoscaling.complete_lifecycle_action(
        LifecycleHookName=HOOK, AutoScalingGroupName=GROUP, InstanceId=seen["id"], LifecycleActionResult="CONTINUE"
    )
    eventually(state, lambda found: found is None)
    assert seen["id"] not in [instance["InstanceId"] for instance in group()["Instances"]]
    left = ecs.list_container_instances(cluster=CLUSTER)["containerInstanceArns"]
    assert len(left) == 2 and seen["arn"] not in left, left


@check
def refuses_a_finished_action():
    """a finished lifecycle action can be neither completed again nor kept alive: ValidationError"""
    action = {"LifecycleHookName": HOOK, "AutoScalingGroupName": GROUP, "InstanceId": seen["id"]}
    said = "No active Lifecycle Action found with instance ID " + seen["id"]
    refuses(autoscaling.record_lifecycle_action_heartbeat, "ValidationError", said, **action)
    action["LifecycleActionResult"] = "CONTINUE"
    refuses(autoscaling.complete_lifecycle_action, "ValidationError", said, **action)


@check
def pages_through_the_fleet():
    """pages through 230 instances in ECS and in Auto Scaling, each exactly once, and both name the same ones"""
    listed = [page["containerInstanceArns"] for page in pages(ecs, "list_container_instances", cluster="fleet")]
    equal([len(page) for page in listed], [100, 100, 30])
    each_once([arn for page in listed for arn in page], 230)
    in_ecs = [
        found["ec2InstanceId"]
        for arns in listed
        for found in ecs.describe_container_instances(cluster="fleet", containerInstances=arns)["containerInstances"]
    ]
    each_once(in_ecs, 230)
    in_autoscaling = [
        instance["InstanceId"]
        for page in pages(autoscaling, "describe_auto_scaling_instances")
        for instance in page["AutoScalingInstances"]
        if instance["AutoScalingGroupName"] == "fleet-asg"
    ]
    each_once(in_autoscaling, 230)
    equal(set(in_autoscaling), set(in_ecs))


@check
def pages_as_asked():
    """pages of 37, resumed in the middle, and pages of tasks, clusters and groups hold each exactly once too"""
    paginator = ecs.get_paginator("list_container_instances")
    first = paginator.paginate(cluster="fleet", PaginationConfig={"MaxItems": 90, "PageSize": 37}).build_full_result()
    resumed = {"PageSize": 37, "StartingToken": first["NextToken"]}
    rest = paginator.paginate(cluster="fleet", PaginationConfig=resumed).build_full_result()
    equal(len(first["containerInstanceArns"]), 90)
    each_once(first["containerInstanceArns"] + rest["containerInstanceArns"], 230)
    each_once([arn for page in pages(ecs, "list_tasks", cluster="fleet") for arn in page["taskArns"]], 230)
    one_each = {"PaginationConfig": {"PageSize": 1}}
    clusters = pages(ecs, "list_clusters", **one_each)
    each_once([arn for page in clusters for arn in page["clusterArns"]], 4)
    equal(len(clusters), 4)
    groups = pages(autoscaling, "describe_auto_scaling_groups", **one_each)
    each_once([found["AutoScalingGroupName"] for page in groups for found in page["AutoScalingGroups"]], 4)


@check
def publishes_an_alert():
    """publishes to the alert topic; an unknown topic is NotFoundException, JSON without a default InvalidParameter"""
    assert sns.publish(TopicArn=TOPIC, Subject="drain <stuck>", Message="é & 日本")["MessageId"]
    unknown = TOPIC + "-not"
    refuses(sns.publish, "NotFound", "not exist", sns.exceptions.NotFoundException, TopicArn=unknown, Message="m")
    refuses(
        sns.publish,
        "InvalidParameter",
        "No default entry",
        sns.exceptions.InvalidParameterException,
        TopicArn=TOPIC,
        MessageStructure="json",
        Message="{}",
    )


@check
def refuses_an_unknown_cluster():
    """an unknown cluster is ClusterNotFoundException"""
    wrong = {"code": "ClusterNotFoundException", "text": "Cluster not found.", "cluster": "nowhere"}
    refuses(ecs.list_tasks, exception=ecs.exceptions.ClusterNotFoundException, **wrong)
    refuses(ecs.list_container_instances, exception=ecs.exceptions.ClusterNotFoundException, **wrong)


@check
def refuses_unknown_operations():
    """operations that the embedded AWS lacks are refused as AWS refuses unknown ones, in both protocols"""
    refuses(ecs.delete_cluster, "UnknownOperationException", "DeleteCluster", cluster=CLUSTER)
    refuses(autoscaling.describe_policies, "InvalidAction", "DescribePolicies")
    refuses(sns.create_topic, "InvalidAction", "CreateTopic", Name="new")
    equal(len(ecs.list_clusters()["clusterArns"]), 4)


@check
def refuses_eleven_at_once():
    """eleven instances in one UpdateContainerInstancesState are InvalidParameterException, and none is changed"""
    eleven = ecs.list_container_instances(cluster="fleet", maxResults=11)["containerInstanceArns"]
    refuses(
        ecs.update_container_instances_state,
        "InvalidParameterException",
        "instanceIds can have at most 10 items.",
        ecs.exceptions.InvalidParameterException,
        cluster="fleet",
        containerInstances=eleven,
        status="DRAINING",
    )
    equal(ecs.list_container_instances(cluster="fleet", status="DRAINING")["containerInstanceArns"], [])


@check
def tells_what_is_missing():
    """an unknown container instance or task is a failure MISSING beside what was found, not an error"""
    known = ecs.list_container_instances(cluster="fleet", maxResults=1)["containerInstanceArns"]
    unknown = known[0][:-32] + "0" * 32
    answer = ecs.describe_container_instances(cluster="fleet", containerInstances=[*known, unknown])
    equal([found["containerInstanceArn"] for found in answer["containerInstances"]], known)
    equal(answer["failures"], [{"arn": unknown, "reason": "MISSING"}])
    answer = ecs.update_container_instances_state(cluster="fleet", containerInstances=[unknown], status="DRAINING")
    equal((answer["containerInstances"], answer["failures"]), ([], [{"arn": unknown, "reason": "MISSING"}]))
    answer = ecs.describe_tasks(cluster="fleet", tasks=["0" * 32])
    equal((answer["tasks"], [failure["reason"] for failure in answer["failures"]]), ([], ["MISSING"]))


@check
def refuses_a_heartbeat_out_of_bounds():
    """a heartbeat of 29 or 7,201 s in PutLifecycleHook is ValidationError, and the hook stays as it was"""
    hook = {"LifecycleHookName": HOOK, "AutoScalingGroupName": GROUP}
    for seconds in 29, 7201:
        refuses(autoscaling.put_lifecycle_hook, "ValidationError", "eartbeat", **hook, HeartbeatTimeout=seconds)
    [found] = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=GROUP)["LifecycleHooks"]
    equal(found["HeartbeatTimeout"], 30)


@check
def refuses_unknown_groups_and_instances():
    """a group or an instance that is not there is ValidationError where it is acted upon, and nothing in a listing"""
    refuses(autoscaling.describe_lifecycle_hooks, "ValidationError", "not found", AutoScalingGroupName="nowhere")
    refuses(
        autoscaling.terminate_instance_in_auto_scaling_group,
        "ValidationError",
        "not found",
        InstanceId="i-0123456789abcdef0",
        ShouldDecrementDesiredCapacity=False,
    )
    equal(autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["nowhere"])["AutoScalingGroups"], [])


@check
def finds_the_fleet_to_roll():
    """finds a group by its tag, with a mixed instances policy and the image that each of its instances runs"""
    tagged = [{"Name": "tag-key", "Values": ["ecs-drain:ami"]}]
    [found] = autoscaling.describe_auto_scaling_groups(Filters=tagged)["AutoScalingGroups"]
    equal(found["AutoScalingGroupName"], "rollout-asg")
    policy = found["MixedInstancesPolicy"]["LaunchTemplate"]
    equal(policy["LaunchTemplateSpecification"]["Version"], "1")
    equal([override["InstanceType"] for override in policy["Overrides"]], ["m7i.xlarge", "m7g.xlarge"])
    seen["policy"] = policy


@check
def describes_images():
    """describes the images of a template and an override, deprecated or not; one that is gone is InvalidAMIID.NotFound"""
    use = seen["policy"]["LaunchTemplateSpecification"]
    [version] = ec2.describe_launch_template_versions(
        LaunchTemplateId=use["LaunchTemplateId"], Versions=["$Latest", "1"]
    )["LaunchTemplateVersions"]
    equal((version["VersionNumber"], version["DefaultVersion"]), (1, True))
    seen["image"] = version["LaunchTemplateData"]["ImageId"]
    own = seen["policy"]["Overrides"][1]["LaunchTemplateSpecification"]["LaunchTemplateId"]
    [other] = ec2.describe_launch_template_versions(LaunchTemplateId=own)["LaunchTemplateVersions"]
    images = [seen["image"], other["LaunchTemplateData"]["ImageId"]]
    found = ec2.describe_images(ImageIds=images, IncludeDeprecated=True)["Images"]
    equal([(image["Architecture"], image["ImageOwnerAlias"]) for image in found], [("x86_64", "amazon"), ("arm64", "amazon")])
    gone = "The image id '[ami-0123456789abcdef0]' does not exist"
    refuses(ec2.describe_images, "InvalidAMIID.NotFound", gone, ImageIds=[seen["image"], "ami-0123456789abcdef0"])
    refuses(ec2.describe_vpcs, "InvalidAction", "DescribeVpcs")


@check
def makes_a_version():
    """makes a version of the template with another image, once for each token, and hears of an image that is none"""
    use = seen["policy"]["LaunchTemplateSpecification"]
    wanted = {"LaunchTemplateId": use["LaunchTemplateId"], "SourceVersion": "1", "ClientToken": "once"}
    data = {"ImageId": "ami-0123456789abcdef0"}
    answers = [ec2.create_launch_template_version(**wanted, LaunchTemplateData=data) for _ in range(2)]
    equal([answer["LaunchTemplateVersion"]["VersionNumber"] for answer in answers], [2, 2])
    equal(answers[0]["LaunchTemplateVersion"]["LaunchTemplateData"]["InstanceType"], "m7i.xlarge")
    assert "ami-0123456789abcdef0" in answers[0]["Warning"]["Errors"][0]["Message"], answers[0]


@check
def refreshes_and_cancels():
    """starts an instance refresh of the group, is refused a second one, and cancels it"""
    name = {"AutoScalingGroupName": "rollout-asg"}
    started = autoscaling.start_instance_refresh(**name, Preferences={"CheckpointPercentages": [50, 100]})
    busy = autoscaling.exceptions.InstanceRefreshInProgressFault
    refuses(autoscaling.start_instance_refresh, "InstanceRefreshInProgress", "already in progress", busy, **name)
    [found] = autoscaling.describe_instance_refreshes(**name)["InstanceRefreshes"]
    equal((found["InstanceRefreshId"], found["Status"]), (started["InstanceRefreshId"], "Pending"))
    autoscaling.cancel_instance_refresh(**name)
    none = autoscaling.exceptions.ActiveInstanceRefreshNotFoundFault
    refuses(autoscaling.cancel_instance_refresh, "ActiveInstanceRefreshNotFound", "rollout-asg", none, **name)


@check
def copies_and_cancels_a_spot_fleet():
    """describes a Spot Fleet and its instances, requests one like it with its tags, sets its target and cancels it"""
    [found] = ec2.describe_spot_fleet_requests()["SpotFleetRequestConfigs"]
    config = {key: value for key, value in found["SpotFleetRequestConfig"].items() if "Fulfilled" not in key}
    active = ec2.describe_spot_fleet_instances(SpotFleetRequestId=found["SpotFleetRequestId"])["ActiveInstances"]
    by_id = [{"Name": "instance-id", "Values": [instance["InstanceId"] for instance in active]}]
    running = ec2.describe_instances(Filters=by_id)["Reservations"]
    equal([one["Instances"][0]["ImageId"] for one in running], [seen["image"]] * 2)
    tags = [{"ResourceType": "spot-fleet-request", "Tags": found["Tags"]}]
    config |= {"TargetCapacity": 0, "ClientToken": "once", "TagSpecifications": tags}
    config.pop("LaunchSpecifications", None)
    # What is answered may have both; what is asked for, one of them.
    for one in config["LaunchTemplateConfigs"]:
        one["LaunchTemplateSpecification"].pop("LaunchTemplateName", None)
    copies = [ec2.request_spot_fleet(SpotFleetRequestConfig=config)["SpotFleetRequestId"] for _ in range(2)]
    equal(copies[0], copies[1])
    [copy] = ec2.describe_spot_fleet_requests(SpotFleetRequestIds=[copies[0]])["SpotFleetRequestConfigs"]
    equal((copy["Tags"], copy["SpotFleetRequestConfig"]["Type"]), (found["Tags"], "maintain"))
    keep = {"TargetCapacity": 1, "ExcessCapacityTerminationPolicy": "noTermination"}
    assert ec2.modify_spot_fleet_request(SpotFleetRequestId=copies[0], **keep)["Return"]
    again = ec2.modify_spot_fleet_request
    refuses(again, "FleetNotInModifiableState", "modifying", SpotFleetRequestId=copies[0], **keep)
    answer = ec2.cancel_spot_fleet_requests(SpotFleetRequestIds=[copies[0], "sfr-no"], TerminateInstances=True)
    equal([one["SpotFleetRequestId"] for one in answer["SuccessfulFleetRequests"]], [copies[0]])
    equal([one["Error"]["Code"] for one in answer["UnsuccessfulFleetRequests"]], ["fleetRequestIdDoesNotExist"])
    target = f"spot-fleet-request/{found['SpotFleetRequestId']}"
    equal(scaling.describe_scalable_targets(ServiceNamespace="ec2", ResourceIds=[target])["ScalableTargets"], [])


def main():
    print(f"boto3 {boto3.__version__}, botocore {botocore.__version__}")
    failed = 0
    for function in checks:
        try:
            function()
        except Exception:  # whatever it is, the other checks still have something to say
            failed += 1
            print(f"FAILED boto3: {function.__doc__}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok boto3: {function.__doc__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
