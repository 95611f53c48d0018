import type { EC2Client, LaunchTemplateVersion } from '@aws-sdk/client-ec2';
import { CreateLaunchTemplateVersionCommand, DescribeLaunchTemplateVersionsCommand } from '@aws-sdk/client-ec2';
import type { TemplatesPort, TemplateVersionSeen } from '../rollout/ports.ts';
import { attempt } from './failure.ts';

/** Neither is an error to whoever asks what a template says. */
const NO_SUCH_VERSION = new Set([
  'InvalidLaunchTemplateId.NotFound',
  'InvalidLaunchTemplateId.VersionNotFound',
  'InvalidLaunchTemplateName.NotFoundException',
]);

export function templatesPort(client: EC2Client): TemplatesPort {
  return {
    describeTemplate: (template) =>
      attempt('ec2:DescribeLaunchTemplateVersions', async () => {
        // The latest one beside it tells whether it is the latest.
        const { version } = template;
        const Versions = [...new Set([version, '$Latest'])];
        const which =
          'templateId' in template
            ? { LaunchTemplateId: template.templateId }
            : { LaunchTemplateName: template.templateName };
        try {
          const answer = await client.send(new DescribeLaunchTemplateVersionsCommand({ ...which, Versions }));
          return chosen(version, answer.LaunchTemplateVersions ?? []);
        } catch (error) {
          if (error instanceof Error && NO_SUCH_VERSION.has(error.name)) return undefined;
          throw error;
        }
      }),

    createVersion: (source, imageId, token, description) =>
      attempt('ec2:CreateLaunchTemplateVersion', async () => {
        const { LaunchTemplateVersion: made, Warning } = await client.send(
          new CreateLaunchTemplateVersionCommand({
            LaunchTemplateId: source.templateId,
            SourceVersion: String(source.number),
            LaunchTemplateData: { ImageId: imageId },
            ClientToken: token,
            // 255 characters at most.
            VersionDescription: description.slice(0, 255),
          }),
        );
        if (made?.VersionNumber === undefined) throw new Error('no version number came back');
        const warnings = (Warning?.Errors ?? []).map(({ Code, Message }) => `${Code}: ${Message}`);
        return { number: made.VersionNumber, warnings };
      }),
  };
}

function chosen(version: string, found: readonly LaunchTemplateVersion[]): TemplateVersionSeen | undefined {
  const latest = Math.max(...found.map(({ VersionNumber = 0 }) => VersionNumber));
  const one = found.find(({ VersionNumber, DefaultVersion }) => {
    if (version === '$Latest') return VersionNumber === latest;
    return version === '$Default' ? DefaultVersion === true : String(VersionNumber) === version;
  });
  return (
    one && {
      templateId: one.LaunchTemplateId ?? '',
      number: one.VersionNumber ?? 0,
      isLatest: one.VersionNumber === latest,
      isDefault: one.DefaultVersion ?? false,
      image: one.LaunchTemplateData?.ImageId,
      instanceType: one.LaunchTemplateData?.InstanceType,
      byRequirements: one.LaunchTemplateData?.InstanceRequirements !== undefined,
    }
  );
}
